// What the service worker of a published package shows for a push, and what a click on it does, as JSON:
// { title, options, clicks: { "": URL or null, ACTION: … }, requests: [URL] }. Arguments: the package, the payload.
//
// The globals are those of a service worker at https://app.example/ without any open window.
const { readFileSync } = require("node:fs");
const { runInThisContext } = require("node:vm");

const ORIGIN = "https://app.example";
const [package, payload] = process.argv.slice(1);
const listeners = {};
const shown = [];
let opened = [];
const requests = [];

class ServiceWorkerRegistration {
    scope = `${ORIGIN}/`;
    async showNotification(title, options) {
        shown.push({ title, options });
    }
    async getNotifications() {
        return [];
    }
}
class PushSubscription {
    getKey() {
        return null;
    }
}
// Whoever asks whether there is a database gets one that opens.
const openedDatabase = () => {
    const request = { result: { close() {} }, addEventListener() {} };
    queueMicrotask(() => request.onsuccess?.());
    return request;
};
// Enough of a window to be pushed to; there is none before, so whatever is opened is new.
const openWindow = async (url) => {
    opened.push(new URL(url, `${ORIGIN}/`).href);
    return null;
};
Object.assign(globalThis, {
    self: globalThis,
    location: new URL(`${ORIGIN}/worker.js`),
    registration: new ServiceWorkerRegistration(),
    clients: { matchAll: async () => [], openWindow, claim: async () => {} },
    caches: { open: async () => ({ match: async () => undefined, put: async () => {} }), keys: async () => [] },
    indexedDB: { open: openedDatabase, deleteDatabase: openedDatabase },
    addEventListener: (type, listener) => (listeners[type] ??= []).push(listener),
    fetch: async (request) => void requests.push(String(request.url ?? request)),
    skipWaiting: async () => {},
    // The workers wait for a page to load; there is none.
    setTimeout: (callback) => void queueMicrotask(callback),
    ServiceWorkerRegistration,
    PushSubscription,
    PushManager: class {},
    Notification: class {},
});
// Read by the workers only to see which options they may pass on.
Object.assign(globalThis.Notification, { maxActions: 16 });

const dispatch = async (type, event) => {
    const lifetime = [];
    let stopped = false;
    const stop = () => (stopped = true);
    const whole = { type, waitUntil: (promise) => lifetime.push(promise), stopImmediatePropagation: stop, ...event };
    for (const listener of listeners[type] ?? []) {
        if (!stopped) listener(whole);
    }
    await Promise.all(lifetime);
};

const start = {
    "@angular/service-worker": (name) => {
        runInThisContext(readFileSync(require.resolve(`${name}/ngsw-worker.js`), "utf8"));
    },
    "@firebase/messaging": (name) => {
        const app = { apiKey: "key", appId: "app", messagingSenderId: "1", projectId: "project" };
        require(`${name}/sw`).getMessaging(require("@firebase/app").initializeApp(app));
    },
};

(async () => {
    start[package](package);
    const data = { json: () => JSON.parse(payload), text: () => payload };
    await dispatch("push", { data });
    const [notification] = shown;
    const clicks = {};
    for (const action of notification ? ["", ...(notification.options.actions ?? []).map((one) => one.action)] : []) {
        opened = [];
        const clicked = structuredClone({ title: notification.title, ...notification.options });
        await dispatch("notificationclick", { action, notification: { ...clicked, close() {} } });
        clicks[action] = opened[0] ?? null;
    }
    process.stdout.write(JSON.stringify({ ...notification, count: shown.length, clicks, requests }));
    process.exit();
})();
