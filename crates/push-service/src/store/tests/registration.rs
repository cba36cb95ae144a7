//! User agents, their channels and endpoints, and how long they are remembered.

use futures_util::future::poll_immediate;

use super::*;

#[tokio::test]
async fn a_user_agent_exists_once_it_has_registered_a_channel() {
    let fixture = Fixture::new().await;
    assert!(!fixture.store.greet(Uaid::random().unwrap(), NOW).await.unwrap());
    assert!(fixture.store.greet(fixture.uaid, NOW).await.unwrap());
    let fixture = fixture.reopened().await;
    assert!(fixture.store.greet(fixture.uaid, NOW + 2 * SEEN_PRECISION).await.unwrap());
    let uaid = fixture.uaid;
    let seen_at = fixture.store.write(move |db| queries::seen_at(db, uaid)).await.done().await.unwrap();
    assert_eq!(seen_at, Some(NOW + 2 * SEEN_PRECISION));
}

#[tokio::test]
async fn every_endpoint_of_a_channel_works_and_all_are_revoked_with_it() {
    let fixture = Fixture::new().await;
    let (second, key) = (EndpointToken::random().unwrap().hash(), Some([9; 32]));
    fixture.store.register(fixture.uaid, fixture.channel, second, key, NOW).await.unwrap();
    let first = fixture.endpoint().await;
    let restricted = fixture.store.endpoint(second).await.unwrap().unwrap();
    assert_eq!((first.restricted_to, restricted.restricted_to), (None, key));
    assert_eq!(first.channel, restricted.channel);
    assert_eq!(first.channel.unwrap().user_agent, fixture.uaid);

    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    assert_eq!(fixture.endpoint().await, Endpoint { restricted_to: None, channel: None });
    let restricted = fixture.store.endpoint(second).await.unwrap();
    assert_eq!(restricted, Some(Endpoint { restricted_to: key, channel: None }));
    assert_eq!(fixture.store.endpoint([0; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn only_its_own_user_agent_gives_a_channel_up() {
    let fixture = Fixture::new().await;
    fixture.store.unregister(Uaid::random().unwrap(), fixture.channel, NOW).await.unwrap();
    assert!(fixture.endpoint().await.channel.is_some());
}

#[tokio::test]
async fn a_channel_registered_again_does_not_bring_old_endpoints_back() {
    let fixture = Fixture::new().await;
    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    let token = EndpointToken::random().unwrap().hash();
    fixture.store.register(fixture.uaid, fixture.channel, token, None, NOW).await.unwrap();
    assert_eq!(fixture.endpoint().await.channel, None);
    assert!(fixture.store.endpoint(token).await.unwrap().unwrap().channel.is_some());
}

#[tokio::test]
async fn tombstones_are_kept_for_90_days() {
    let fixture = Fixture::new().await;
    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    fixture.store.sweep(NOW + 90 * 86_400 - 1, Vec::new()).await.unwrap();
    assert!(fixture.store.endpoint(fixture.token).await.unwrap().is_some());
    fixture.store.sweep(NOW + 90 * 86_400, Vec::new()).await.unwrap();
    assert!(fixture.store.endpoint(fixture.token).await.unwrap().is_none());
}

const SIXTY_DAYS: u64 = 60 * 86_400;

#[tokio::test]
async fn a_user_agent_unseen_for_60_days_is_forgotten_and_its_endpoints_are_revoked() {
    let fixture = Fixture::new().await;
    fixture.put(None, NOW + 2 * SIXTY_DAYS).await;
    let swept = fixture.store.sweep(NOW + SIXTY_DAYS - 1, Vec::new()).await.unwrap();
    assert_eq!(swept.user_agents, 0);
    assert!(fixture.endpoint().await.channel.is_some());
    let swept = fixture.store.sweep(NOW + SIXTY_DAYS, Vec::new()).await.unwrap();
    assert_eq!(swept.user_agents, 1);
    assert_eq!(fixture.endpoint().await.channel, None);
    assert!(fixture.stored(NOW).await.is_empty());
    assert!(!fixture.store.greet(fixture.uaid, NOW + SIXTY_DAYS).await.unwrap());
    let tombstone_over = NOW + SIXTY_DAYS + 90 * 86_400;
    fixture.store.sweep(tombstone_over, Vec::new()).await.unwrap();
    assert!(fixture.store.endpoint(fixture.token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_user_agent_that_comes_back_or_stays_connected_is_remembered() {
    let fixture = Fixture::new().await;
    let swept = fixture.store.sweep(NOW + SIXTY_DAYS, vec![fixture.uaid]).await.unwrap();
    assert_eq!(swept.user_agents, 0, "it is connected");
    let swept = fixture.store.sweep(NOW + 2 * SIXTY_DAYS - 1, Vec::new()).await.unwrap();
    assert_eq!(swept.user_agents, 0, "it was, less than 60 days ago");
    assert!(fixture.store.greet(fixture.uaid, NOW + 2 * SIXTY_DAYS).await.unwrap());
    let swept = fixture.store.sweep(NOW + 2 * SIXTY_DAYS, Vec::new()).await.unwrap();
    assert_eq!(swept.user_agents, 0, "it came back before it was forgotten");
}

#[tokio::test]
async fn a_user_agent_forgotten_while_it_says_hello_is_told() {
    let fixture = Fixture::new().await;
    let (release, gate) = fixture.held_writer().await;
    let sweep = fixture.store.sweep(NOW + SIXTY_DAYS, Vec::new());
    tokio::pin!(sweep);
    assert!(poll_immediate(sweep.as_mut()).await.is_none());
    let store = &fixture.store;
    let hello = async {
        let known = store.greet(fixture.uaid, NOW + SIXTY_DAYS);
        tokio::pin!(known);
        // Read as known while the removal waits for the disk.
        assert!(poll_immediate(known.as_mut()).await.is_none());
        store.check().await.unwrap();
        assert!(poll_immediate(known.as_mut()).await.is_none());
        release.send(()).unwrap();
        known.await.unwrap()
    };
    assert!(!hello.await);
    assert_eq!(sweep.await.unwrap().user_agents, 1);
    gate.done().await.unwrap();
}
