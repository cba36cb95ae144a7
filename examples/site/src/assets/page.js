// The consent button: asks the browser for a subscription bound to this site's key, and hands it to the site.
const button = document.getElementById("consent");
const outcome = document.getElementById("outcome");

async function subscribe() {
    if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
        throw new Error("this browser cannot receive pushes here (they need https or localhost)");
    }
    if ((await Notification.requestPermission()) !== "granted") {
        throw new Error("notifications are not allowed for this site");
    }
    await navigator.serviceWorker.register("/sw.js");
    const registration = await navigator.serviceWorker.ready;
    const subscription = await registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: button.dataset.key,
    });
    const response = await fetch("/subscriptions", {
        method: "POST",
        body: new URLSearchParams({ name: "A browser", subscription: JSON.stringify(subscription) }),
    });
    if (!response.ok) throw new Error(`the site answered ${response.status}`);
}

button?.addEventListener("click", async () => {
    button.disabled = true;
    outcome.className = "";
    outcome.textContent = "Waiting for the browser…";
    try {
        await subscribe();
        location.reload();
    } catch (error) {
        outcome.className = "bad";
        outcome.textContent = `Not subscribed: ${error.message}`;
        button.disabled = false;
    }
});
