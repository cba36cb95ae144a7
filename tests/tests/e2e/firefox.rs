//! Our push service is good enough for Firefox: pages subscribe through `PushManager`, service workers receive.

use std::path::Path;

use anyhow::{Context as _, Result};
use belfry_tests::belfry::{PushService, Subscription};
use belfry_tests::desk::Desk;
use belfry_tests::firefox::{Firefox, Profile};
use belfry_tests::process::PATIENCE;
use belfry_tests::senders::{Sender, Sending, vapid_key};
use belfry_tests::website::Website;
use tokio::time::timeout;

const SENDERS: [Sender; 2] = [Sender::Pywebpush, Sender::NodeWebPush];

/// Sends this text by a library and waits until the service worker has it and Firefox has shown it.
async fn is_received(
    desk: &mut Desk,
    website: &mut Website,
    sender: Sender,
    push: &Sending<'_>,
) -> Result<()> {
    sender.send(&desk.session, push).await?;
    are_received(desk, website, &[push.payload]).await
}

/// Waits until the service worker has these, in whichever order, and Firefox has shown them.
async fn are_received(desk: &mut Desk, website: &mut Website, texts: &[&str]) -> Result<()> {
    let pages: Vec<_> = texts.iter().map(|text| format!("/received/{text}")).collect();
    let visited = timeout(PATIENCE, website.visited(&pages));
    visited.await.with_context(|| format!("not all of {texts:?} were received"))??;
    let mut shown = Vec::new();
    for _ in texts {
        shown.push(desk.notifications.next().await?.summary);
    }
    shown.sort();
    assert_eq!(shown, texts);
    Ok(())
}

fn push<'a>(
    subscription: &'a Subscription,
    payload: &'a str,
    service: &'a PushService,
    vapid_key: Option<&'a Path>,
) -> Sending<'a> {
    Sending { subscription, payload, ca: service.ca.as_deref(), vapid_key }
}

#[tokio::test]
async fn firefox_subscribes_receives_survives_restarts_and_unsubscribes() -> Result<()> {
    let mut desk = Desk::start().await?;
    let mut website = Website::start().await?;
    let service = desk.tls_service().await?;
    let profile = Profile::new(&desk.session, &service).await?;
    let mut firefox = Firefox::start(&desk.session, &profile).await?;
    firefox.open(&website.url("/page.html")).await?;

    // For one application server only.
    let (key, public) = vapid_key(&desk.session, "sender.pem")?;
    let (other_key, _) = vapid_key(&desk.session, "other.pem")?;
    let restricted = firefox.subscribe(Some(&public)).await?;
    assert!(restricted.endpoint().starts_with(&service.endpoint), "{}", restricted.endpoint());
    for sender in SENDERS {
        for wrong in [None, Some(other_key.as_path())] {
            let refused = sender.send(&desk.session, &push(&restricted, "refused", &service, wrong)).await;
            assert!(refused.is_err(), "{sender:?} with the wrong key was accepted");
        }
        is_received(&mut desk, &mut website, sender, &push(&restricted, "signed", &service, Some(&key)))
            .await?;
    }

    // For everybody. The former subscription ends with that.
    let open = firefox.subscribe(None).await?;
    assert_ne!(open.endpoint(), restricted.endpoint());
    is_gone(&desk, &push(&restricted, "late", &service, Some(&key))).await?;
    for sender in SENDERS {
        is_received(&mut desk, &mut website, sender, &push(&open, "online", &service, None)).await?;
    }

    // Neither runs, the service after a crash: what was accepted is there when both are back.
    assert!(firefox.close().await?.success());
    for (sender, text) in SENDERS.into_iter().zip(["one", "two"]) {
        sender.send(&desk.session, &push(&open, text, &service, None)).await?;
    }
    let websocket = service.websocket.clone();
    service.kill().await?;
    let service =
        PushService::restart(&desk.session, &desk.service_data(), &websocket, &["--tls", "auto"]).await?;
    let mut firefox = Firefox::start(&desk.session, &profile).await?;
    are_received(&mut desk, &mut website, &["one", "two"]).await?;

    // The service is restarted under Firefox, which comes back by itself.
    service.kill().await?;
    let service =
        PushService::restart(&desk.session, &desk.service_data(), &websocket, &["--tls", "auto"]).await?;
    is_received(&mut desk, &mut website, Sender::NodeWebPush, &push(&open, "again", &service, None)).await?;

    firefox.open(&website.url("/page.html")).await?;
    firefox.unsubscribe().await?;
    is_gone(&desk, &push(&open, "late", &service, None)).await?;
    assert!(firefox.close().await?.success());
    assert!(desk.notifications.already_shown().is_none(), "nothing came twice");
    Ok(())
}

/// Both libraries are told that the subscription has ended.
async fn is_gone(desk: &Desk, push: &Sending<'_>) -> Result<()> {
    for sender in SENDERS {
        let refused = sender.send(&desk.session, push).await.map_err(|error| format!("{error:#}"));
        assert!(refused.as_ref().is_err_and(|reason| reason.contains("410")), "{sender:?}: {refused:?}");
    }
    Ok(())
}
