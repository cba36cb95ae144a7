// Shows pushes in browsers. The payload is a Declarative Web Push document; browsers that know those show it without
// asking this worker.
self.addEventListener("push", (event) => {
    event.waitUntil(show(event.data));
});

async function show(data) {
    let title = "Example site";
    let options = {};
    try {
        const document = data.json();
        if (document.web_push === 8030) {
            ({ title, ...options } = document.notification);
        }
    } catch {
        options.body = data ? data.text() : "";
    }
    const links = { "": options.navigate };
    for (const action of options.actions ?? []) links[action.action] = action.navigate;
    await self.registration.showNotification(title, { ...options, data: { links } });
}

self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const link = event.notification.data?.links?.[event.action];
    if (link && /^https?:/i.test(link)) event.waitUntil(self.clients.openWindow(link));
});
