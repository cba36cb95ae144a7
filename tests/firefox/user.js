// Notifications go to the desktop's server, and need no click first.
user_pref("alerts.useSystemBackend", true);
user_pref("dom.webnotifications.requireuserinteraction", false);
user_pref("permissions.default.desktop-notification", 1);
// A push service of one's own. Plain ws:// is for tests only.
user_pref("dom.push.connection.enabled", true);
user_pref("dom.push.testing.allowInsecureServerURL", true);
// Tests wait for it to come back.
user_pref("dom.push.retryBaseInterval", 200);
// Everything that would call home.
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.region.network.url", "");
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.search.update", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:9/");
user_pref("toolkit.telemetry.server", "");
