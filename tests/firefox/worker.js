// Tells the site what was pushed, then shows it.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("push", (event) => {
    const text = event.data ? event.data.text() : "nothing";
    const told = fetch(`/received/${encodeURIComponent(text)}`);
    event.waitUntil(told.then(() => registration.showNotification(text, { body: "Shown by Firefox" })));
});
