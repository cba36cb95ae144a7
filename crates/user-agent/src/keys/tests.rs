use super::*;

pub(crate) use super::backend::TestBackend;

pub(crate) fn mock_store() -> Arc<CredentialStore> {
    keyring_core::mock::Store::new().unwrap()
}

pub(crate) fn keyring(store: &Arc<CredentialStore>) -> Keyring {
    Keyring::new("test".into(), Backend::Test(TestBackend::of(store.clone())))
}

/// The mock item of this name, which can be told to fail.
pub(crate) fn fail_next(store: &Arc<CredentialStore>, user: &str, error: keyring_core::Error) {
    let entry = store.build(SERVICE, user, None).unwrap();
    entry.as_any().downcast_ref::<keyring_core::mock::Cred>().unwrap().set_error(error);
}

pub(crate) fn record(channel_id: ChannelId, keys: &SubscriptionKeys) -> SubscriptionRecord {
    SubscriptionRecord {
        channel_id,
        keys: keys.into(),
        endpoint: String::new(),
        push_service: "wss://push.example/".into(),
        uaid: String::new(),
        site: "Backups".into(),
        url: String::new(),
        state: String::new(),
        application_server_key: String::new(),
        saved_at: 0,
        version: 1,
    }
}

#[tokio::test]
async fn a_subscriptions_keys_come_back_as_they_were() {
    let store = mock_store();
    let channel = ChannelId::from_random_bytes([1; 16]);
    let keys = SubscriptionKeys::from_bytes(&[7; 32], &[8; 16]).unwrap();
    keyring(&store).save(record(channel, &keys), Prompt::Never).await.unwrap();
    let loaded = keyring(&store).load(vec![channel]).await.unwrap();
    assert_eq!(loaded[&channel].0.public(), keys.public());
    let records = keyring(&store).records().await.unwrap();
    assert_eq!((records.len(), records[0].channel_id), (1, channel));
    keyring(&store).delete(channel).await.unwrap();
    keyring(&store).delete(channel).await.unwrap();
    assert!(keyring(&store).load(vec![channel]).await.unwrap().is_empty());
    assert!(keyring(&store).records().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_database_key_is_made_once_and_never_replaced() {
    let store = mock_store();
    let key = async |exists| keyring(&store).database_key(exists).await;
    assert_eq!(key(true).await, Err(KeyringError::DatabaseKeyMissing));
    let made = key(false).await.unwrap();
    assert_eq!(key(true).await.unwrap(), made);
    assert_eq!(key(false).await.unwrap(), made);
    for error in [
        keyring_core::Error::NoStorageAccess("locked".to_owned().into()),
        keyring_core::Error::BadStoreFormat("?".into()),
    ] {
        fail_next(&store, "test:database", error);
        assert!(key(false).await.is_err());
        assert_eq!(key(false).await.unwrap(), made);
    }
}

#[tokio::test]
async fn a_locked_or_absent_keyring_says_so_and_is_not_asked() {
    let backend = TestBackend::of(mock_store());
    let keyring = Keyring::new("test".into(), Backend::Test(backend.clone()));
    for error in [KeyringError::Absent("no bus".into()), KeyringError::Locked("login".into())] {
        backend.refuse(error.clone());
        assert_eq!(keyring.database_key(false).await, Err(error));
    }
    backend.admit();
    assert!(keyring.database_key(false).await.is_ok());
}

#[tokio::test]
async fn a_keyring_that_was_restarted_is_opened_again() {
    let store = mock_store();
    let backend = TestBackend::of(store.clone());
    let keyring = Keyring::new("test".into(), Backend::Test(backend.clone()));
    let made = keyring.database_key(false).await.unwrap();
    assert_eq!(backend.opened(), 1);
    fail_next(&store, "test:database", keyring_core::Error::PlatformFailure("no session".to_owned().into()));
    assert_eq!(keyring.database_key(true).await.unwrap(), made);
    assert_eq!(backend.opened(), 2);
}
