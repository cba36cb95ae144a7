//! What a push's pictures become.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::*;
use crate::api::{EntryId, EntryPicture, ErrorCode, Images};
use crate::notifier::Illustration;
use crate::pictures::tests::png;
use crate::pictures::tests::server::{Server, file, head};

async fn picture(receiver: &Receiver, id: EntryId) -> Result<EntryPicture, ErrorCode> {
    match receiver.client.request(Request::ShowPicture { id }).await {
        Ok(Response::Picture(picture)) => Ok(picture),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.code),
    }
}

fn illustrated(subscription: &PushSubscription, icon: &Url, image: &Url) -> Vec<u8> {
    sealed(subscription, &json!({"title": "t", "icon": icon, "image": image}).to_string())
}

/// The next notification when it has a picture: at once, or once more when that has come.
async fn pictured(receiver: &mut Receiver) -> Illustration {
    let mut popup = receiver.popup().await;
    while popup.illustration.image.is_none() {
        let again = receiver.popup().await;
        assert_eq!(again.entry, popup.entry, "another notification before the picture of this one");
        popup = again;
    }
    popup.illustration
}

#[tokio::test]
async fn pictures_are_shown_with_the_push_and_in_the_window_as_the_site_may() {
    let website = Server::start(|path| match path {
        "/image.png" => file(&png()),
        _ => head(404, ""),
    })
    .await;
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let push = illustrated(&subscription, &website.url("/icon.png"), &website.url("/image.png"));

    peer.notify(&channel, "unknown host", &push).await;
    assert_eq!(receiver.popup().await.illustration, Illustration::default());
    let id = receiver.history().await[0].id;
    assert_eq!(picture(&receiver, id).await, Err(ErrorCode::Rejected));
    assert_eq!(website.asked(), [""; 0]);

    receiver.set("Backups", &[SiteChange::Url(Some(website.url("/")))]).await.unwrap();
    peer.notify(&channel, "own host", &push).await;
    let Illustration { icon, image } = pictured(&mut receiver).await;
    let image = image.unwrap();
    assert_eq!((icon, image.width(), image.height()), (None, 40, 20));
    let shown = picture(&receiver, id).await.unwrap();
    assert_eq!((shown.width, shown.height), (40, 20));
    assert_eq!(STANDARD.decode(&shown.png).unwrap(), image.png().unwrap());
    assert!(!format!("{:?}", Response::Picture(shown.clone())).contains(&shown.png));
    assert_eq!(website.asked().len(), 2, "each is asked for once: {:?}", website.asked());

    receiver.set("Backups", &[SiteChange::Images(Images::Never)]).await.unwrap();
    peer.notify(&channel, "never", &push).await;
    assert_eq!(receiver.popup().await.illustration, Illustration::default());
    assert_eq!(picture(&receiver, id).await, Err(ErrorCode::Rejected));

    peer.notify(&channel, "without", &titled(&subscription, "plain")).await;
    receiver.popup().await;
    let plain = receiver.history().await[0].id;
    assert_eq!(picture(&receiver, plain).await, Err(ErrorCode::NotFound));
    assert_eq!(picture(&receiver, EntryId(999)).await, Err(ErrorCode::NotFound));
    assert_eq!(website.asked().len(), 2);
}

#[tokio::test]
async fn nothing_is_loaded_for_notifications_that_show_no_pictures() {
    let mut website = Server::start(|_| file(&png())).await;
    let (machine, service) =
        (Machine { shows_pictures: false, ..Machine::new() }, ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.set("Backups", &[SiteChange::Url(Some(website.url("/")))]).await.unwrap();
    let push = illustrated(&subscription, &website.url("/icon.png"), &website.url("/image.png"));
    peer.notify(&channel, "shown", &push).await;
    assert_eq!(receiver.popup().await.illustration, Illustration::default());
    website.assert_untouched().await;
    // The window shows it.
    let id = receiver.history().await[0].id;
    assert!(picture(&receiver, id).await.is_ok());
}
