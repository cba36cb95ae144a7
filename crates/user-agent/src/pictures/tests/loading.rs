//! How often a picture is asked for, and who waits.

use tokio::sync::watch;

use webpush::payload::Notification;

use super::server::{self, Answer, Server, file};
use super::*;
use crate::pictures::illustration::{LOADING, RENEWED};

#[tokio::test]
async fn a_hundred_notifications_with_one_icon_ask_for_it_once() {
    let server = Server::start(|_| file(&png())).await;
    let (pictures, url, site) = (direct(), server.url("/icon.png"), server.url("/"));
    let together: Vec<_> = (0..50).map(|_| of_site(&pictures, &url, &site)).collect();
    assert!(futures_util::future::join_all(together).await.iter().all(Result::is_ok));
    for _ in 0..50 {
        assert!(of_site(&pictures, &url, &site).await.is_ok());
    }
    assert_eq!(server.asked().len(), 1);
    let wanted = Wanted::new(&url, Use::Icon, Some(&site), Images::Own).unwrap();
    assert!(pictures.loaded(&wanted).await.is_some());
}

#[tokio::test]
async fn what_is_missing_is_not_asked_for_again_at_once() {
    let server = Server::start(|_| file(b"<svg/>")).await;
    let (pictures, url, site) = (direct(), server.url("/icon.svg"), server.url("/"));
    for _ in 0..3 {
        assert_eq!(of_site(&pictures, &url, &site).await, Err(Refusal::NoPicture));
    }
    assert_eq!(server.asked().len(), 1);
    let wanted = Wanted::new(&url, Use::Icon, Some(&site), Images::Own).unwrap();
    assert_eq!(pictures.loaded(&wanted).await, None);
}

#[test]
fn a_picture_is_kept_longer_than_its_absence() {
    let wanted = Url::parse("https://a.example/").unwrap();
    let wanted = Wanted::new(&wanted, Use::Icon, None, Images::Always).unwrap();
    let picture = decode::decode(&png(), 10).unwrap();
    let kept = |outcome: &Outcome| Lifetime.expire_after_create(&wanted, outcome, Instant::now());
    assert_eq!(kept(&Ok(Arc::new(picture))), Some(Duration::from_secs(3_600)));
    assert_eq!(kept(&Err(Refusal::TooLate)), Some(Duration::from_secs(60)));
}

/// What one site was refused at its own address, another was not asked whether it gets.
#[tokio::test]
async fn the_answer_to_one_site_is_not_the_answer_to_another() {
    let server = Server::start(|_| file(&png())).await;
    let (pictures, url) = (direct(), server.url("/icon.png"));
    assert_eq!(of_anyone(&pictures, url.as_str()).await, Err(Refusal::Private));
    assert!(of_site(&pictures, &url, &server.url("/")).await.is_ok());
    assert_eq!(of_anyone(&pictures, url.as_str()).await, Err(Refusal::Private));
}

#[tokio::test]
async fn loading_goes_on_when_nobody_waits_any_more() {
    let (open, gate) = watch::channel(false);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let (arrived, mut arrival) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (mut gate, arrived) = (gate.clone(), arrived.clone());
            tokio::spawn(async move {
                server::read_head(&mut client).await;
                arrived.send(()).unwrap();
                gate.wait_for(|open| *open).await.unwrap();
                server::give(&mut client, file(&png())).await;
            });
        }
    });
    let pictures = direct();
    {
        let waiting = of_site(&pictures, &site, &site);
        tokio::select! {
            _ = waiting => panic!("loaded through a closed gate"),
            _ = arrival.recv() => {}
        }
    }
    open.send(true).unwrap();
    assert!(of_site(&pictures, &site, &site).await.is_ok());
    assert!(arrival.try_recv().is_err(), "it was asked for twice");
}

#[tokio::test]
async fn the_cache_is_bounded() {
    let server = Server::start(|_| file(&picture(ImageFormat::Png, 256, 256))).await;
    let (pictures, site) = (direct(), server.url("/"));
    for index in 0..64 {
        of_site(&pictures, &server.url(&format!("/{index}")), &site).await.unwrap();
    }
    pictures.0.cache.run_pending_tasks().await;
    let kept = pictures.0.cache.weighted_size();
    assert!((CACHE / 2..=CACHE).contains(&kept), "{kept}");
}

fn patient(pictures: Pictures, patience: Duration) -> Illustrator {
    let mut illustrator = Illustrator::new(pictures);
    illustrator.patience = patience;
    illustrator
}

fn push(icon: &Url, image: Option<&Url>) -> Notification {
    Notification { icon: Some(icon.clone()), image: image.cloned(), ..Notification::default() }
}

#[tokio::test]
async fn a_notification_gets_the_pictures_that_its_site_may_load() {
    let server = Server::start(|_| file(&png())).await;
    let (icon, image, site) = (server.url("/icon"), server.url("/image"), server.url("/"));
    let mut illustrator = patient(direct(), LONG);
    let notification = push(&icon, Some(&image));
    let (nothing, late) = illustrator.illustrate("a", &notification, Some(&site), Images::Never).await;
    assert_eq!((nothing, late.is_some(), server.asked().len()), (Illustration::default(), false, 0));
    let (nothing, _) = illustrator.illustrate("a", &notification, None, Images::Own).await;
    assert_eq!((nothing, server.asked().len()), (Illustration::default(), 0));
    let (both, late) = illustrator.illustrate("a", &notification, Some(&site), Images::Own).await;
    assert!(both.icon.is_some() && both.image.is_some() && late.is_none());
    assert_eq!(server.asked().len(), 2);
    let foreign = Url::parse("https://elsewhere.example/image").unwrap();
    let (own, _) = illustrator.illustrate("a", &push(&icon, Some(&foreign)), Some(&site), Images::Own).await;
    assert!(own.icon.is_some() && own.image.is_none());
}

#[tokio::test]
async fn a_slow_picture_is_waited_for_once_and_comes_later() {
    let server = Server::start(|path| match path {
        "/slow" => Answer::Stalled(Vec::new()),
        _ => file(&png()),
    })
    .await;
    let (icon, site) = (server.url("/icon"), server.url("/"));
    let pictures = with("none", lookup(&[]), Duration::from_millis(500));
    assert!(of_site(&pictures, &icon, &site).await.is_ok());
    // Over before anything can have come from a server.
    let mut illustrator = patient(pictures, Duration::from_nanos(1));
    let slow = server.url("/slow");
    let (soon, late) = illustrator.illustrate("a", &push(&icon, Some(&slow)), Some(&site), Images::Own).await;
    assert!(soon.icon.is_some() && soon.image.is_none(), "what is at hand is shown at once");
    // Others of the site wait for nothing; what they have is shown, and what they have not comes later.
    illustrator.patience = LONG;
    let other = server.url("/other");
    let (next, coming) =
        illustrator.illustrate("a", &push(&icon, Some(&other)), Some(&site), Images::Own).await;
    assert!(next.icon.is_some() && next.image.is_none());
    assert!(coming.unwrap().await.image.is_some(), "another picture of a slow site");
    assert!(*illustrator.renewed_at("a") > tokio::time::Instant::now() + RENEWED, "it is known to be slow");
    let late = late.unwrap().await;
    assert!(late.icon.is_some() && late.image.is_none(), "it never came");
    // Another site is waited for as before.
    let (of_other, _) = illustrator.illustrate("b", &push(&icon, None), Some(&site), Images::Own).await;
    assert!(of_other.icon.is_some());
}

#[tokio::test]
async fn several_notifications_of_a_site_wait_no_longer_than_one() {
    let server = Server::start(|_| file(&png())).await;
    let site = server.url("/");
    let mut illustrator = patient(direct(), LONG);
    let url = |number: u32| server.url(&format!("/{number}"));
    illustrator.illustrate("a", &push(&url(0), None), Some(&site), Images::Own).await;
    let after_one = illustrator.left("a");
    illustrator.illustrate("a", &push(&url(1), None), Some(&site), Images::Own).await;
    assert!(illustrator.left("a") < after_one && after_one < LONG);
    assert_eq!(illustrator.left("b"), LONG);
}

#[tokio::test]
async fn a_site_that_sends_much_is_no_slow_one_and_gets_all_its_pictures() {
    let server = Server::start(|path| match path {
        "/slow" => Answer::Stalled(Vec::new()),
        _ => file(&png()),
    })
    .await;
    let site = server.url("/");
    let mut illustrator = patient(direct(), LONG);
    let url = |number: u32| server.url(&format!("/{number}"));
    let (first, none) = illustrator.illustrate("a", &push(&url(0), None), Some(&site), Images::Own).await;
    assert!(first.icon.is_some() && none.is_none());
    // Over before anything can have come.
    illustrator.use_up("a", Duration::from_nanos(1));
    let slow = push(&server.url("/slow"), None);
    let (nothing, late) = illustrator.illustrate("a", &slow, Some(&site), Images::Own).await;
    assert!(nothing.icon.is_none() && late.is_some());
    assert!(
        *illustrator.renewed_at("a") <= tokio::time::Instant::now() + RENEWED,
        "as if nothing were wrong"
    );
    for number in 1..=8 {
        let notification = push(&url(number), None);
        let (soon, late) = illustrator.illustrate("a", &notification, Some(&site), Images::Own).await;
        assert_eq!(soon, Illustration::default(), "{number}");
        let late = late.unwrap().await;
        assert!(late.icon.is_some(), "{number}");
        // From now on it is at hand.
        let again = illustrator.illustrate("a", &notification, Some(&site), Images::Own).await;
        assert!(again.0 == late && again.1.is_none(), "{number}");
    }
}

#[tokio::test]
async fn a_site_has_few_pictures_on_the_way_at_a_time() {
    let server = Server::start(|_| file(&png())).await;
    let site = server.url("/");
    let mut illustrator = patient(direct(), LONG);
    illustrator.illustrate("a", &push(&site, None), Some(&site), Images::Own).await;
    illustrator.use_up("a", Duration::ZERO);
    let url = |number: usize| server.url(&format!("/{number}"));
    let mut coming = Vec::new();
    for number in 0..LOADING {
        let (_, late) =
            illustrator.illustrate("a", &push(&url(number), None), Some(&site), Images::Own).await;
        coming.push(late.unwrap());
    }
    let more = push(&url(LOADING), None);
    // Also when the site's time begins anew.
    for _ in 0..2 {
        let (nothing, none) = illustrator.illustrate("a", &more, Some(&site), Images::Own).await;
        assert!(nothing == Illustration::default() && none.is_none());
        *illustrator.renewed_at("a") = tokio::time::Instant::now();
    }
    let (of_other, _) = illustrator.illustrate("b", &push(&url(90), None), Some(&site), Images::Own).await;
    assert!(of_other.icon.is_some(), "another site is not in its way");
    assert!(coming.pop().unwrap().await.icon.is_some());
    let (soon, _) = illustrator.illustrate("a", &more, Some(&site), Images::Own).await;
    assert!(soon.icon.is_some(), "one has come: there is room for one");
}
