//! Sites that come out of a file.

use super::*;
use crate::api::{ErrorCode, FilePassphrase, ImportedSite};
use crate::keys::KeyringError;

fn passphrase() -> Option<FilePassphrase> {
    Some(FilePassphrase("correct horse".into()))
}

async fn exported(receiver: &Receiver, passphrase: Option<FilePassphrase>) -> String {
    match receiver.client.request(Request::ExportSites { passphrase, local: None }).await.unwrap() {
        Response::Exported(exported) => exported.document,
        other => panic!("{other:?}"),
    }
}

/// Starts bringing in what was exported. A passphrase that is not needed does not matter.
fn importing(receiver: &Receiver, document: &str, local: Option<&ScriptedService>) -> Answer {
    let local = local.map(|local| local.url().parse().unwrap());
    receiver.ask(Request::ImportSites { document: document.to_owned(), passphrase: passphrase(), local })
}

/// The sites that came in.
async fn sites(imported: Answer) -> Vec<ImportedSite> {
    match soon("the sites", imported).await.unwrap().unwrap() {
        Response::Imported(sites) => sites,
        other => panic!("{other:?}"),
    }
}

/// Two machines: what the first receives for is to come to the second.
struct Machines {
    old: Machine,
    new: Machine,
    service: ScriptedService,
}

impl Machines {
    async fn new() -> Self {
        Self { old: Machine::new(), new: Machine::new(), service: ScriptedService::start().await }
    }

    /// The first receives, as `a1`.
    async fn before(&self) -> (Receiver, Peer) {
        let receiver = self.old.start(&self.service).await;
        let (peer, _) = self.service.welcome("a1").await;
        (receiver, peer)
    }

    /// What the first has exported, with its keys if there is a passphrase. It has ended; the second receives, as `b1`.
    async fn after(
        &self,
        receiver: Receiver,
        passphrase: Option<FilePassphrase>,
    ) -> (String, Receiver, Peer) {
        let document = exported(&receiver, passphrase).await;
        receiver.engine.shutdown().await;
        let receiver = self.new.start(&self.service).await;
        let (peer, _) = self.service.welcome("b1").await;
        (document, receiver, peer)
    }
}

#[tokio::test]
async fn an_import_that_the_keyring_refuses_leaves_everything_as_it_was() {
    let machines = Machines::new().await;
    let (receiver, mut peer) = machines.before().await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let (document, mut receiver, _peer) = machines.after(receiver, passphrase()).await;
    machines.new.door.refuse(KeyringError::Locked("no password yet".into()));
    machines.new.door.answer(Err(KeyringError::Dismissed));
    let refused = importing(&receiver, &document, None);
    // It connects again, as nobody that the file tells of.
    let (_peer, hello) = machines.service.welcome("b2").await;
    assert_ne!(hello["uaid"], "a1");
    assert_eq!(soon("the refusal", refused).await.unwrap().unwrap_err().code, ErrorCode::Keyring);
    assert!(receiver.sites().await.is_empty());
    machines.new.door.admit();
    assert!(machines.new.item(&channel).get_secret().is_err(), "no key is left");

    let imported = importing(&receiver, &document, None);
    let (mut peer, hello) = machines.service.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1");
    let imported = sites(imported).await;
    assert!(imported[0].moved && imported[0].site.subscription.as_ref() == Some(&subscription));
    let payload = br#"{"title": "Moved"}"#;
    let body = encryption::encrypt(&subscription.keys, payload).unwrap();
    peer.notify(&channel, "v1", &body).await;
    assert_eq!(receiver.titles(1).await, ["Moved"]);
}

#[tokio::test]
async fn nothing_comes_in_when_anything_of_the_file_is_wrong() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    receiver.paired(&mut peer, "Backups").await;
    let document = exported(&receiver, None).await;
    let code = async |document: String| {
        soon("the refusal", importing(&receiver, &document, None)).await.unwrap().unwrap_err().code
    };
    assert_eq!(code(document.clone()).await, ErrorCode::Exists, "the name is taken");
    let file: Value = serde_json::from_str(&document).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut file = file.clone();
        file["sites"][0]["name"] = json!("Builds");
        let second = file["sites"][0].clone();
        file["sites"].as_array_mut().unwrap().push(second);
        change(&mut file["sites"][1]);
        file.to_string()
    };
    for change in [
        &(|_: &mut Value| {}) as &dyn Fn(&mut Value),
        &|site: &mut Value| site["name"] = json!("BUILDS"),
        &|site: &mut Value| site["name"] = json!(" "),
        &|site: &mut Value| (site["name"], site["url"]) = (json!("Other"), json!("ftp://a.example/")),
        &|site: &mut Value| (site["name"], site["push_service"]) = (json!("Other"), json!("ws://192.0.2.1/")),
    ] {
        assert_eq!(code(changed(change)).await, ErrorCode::Invalid);
    }
    assert_eq!(receiver.sites().await.len(), 1);
}

#[tokio::test]
async fn a_site_that_was_disconnected_is_so_where_it_comes_to() {
    let machines = Machines::new().await;
    let (receiver, mut peer) = machines.before().await;
    receiver.paired(&mut peer, "Backups").await;
    let disconnecting = receiver.ask(Request::DisconnectSite { site: "Backups".into() });
    let told = peer.receive().await;
    assert_eq!(told["messageType"], "unregister");
    peer.send(json!({"messageType": "unregister", "channelID": told["channelID"], "status": 200})).await;
    soon("the end of it", disconnecting).await.unwrap().unwrap();
    let (document, receiver, _peer) = machines.after(receiver, None).await;
    let imported = sites(importing(&receiver, &document, None)).await;
    assert_eq!((imported[0].moved, &imported[0].reason), (false, &None));
    let sites = receiver.sites().await;
    assert_eq!((sites[0].connected, sites[0].state_label.as_str()), (false, "Blocked and disconnected"));
}

#[tokio::test]
async fn whoever_connects_during_an_import_waits_until_it_is_done() {
    let machines = Machines::new().await;
    let (receiver, mut peer) = machines.before().await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let (document, mut receiver, _peer) = machines.after(receiver, passphrase()).await;
    receiver.event("the connection", |event| matches!(event, Event::Connected { .. })).await;
    let url = machines.service.url().parse::<crate::config::PushServiceUrl>().unwrap();
    let waits = |service: &crate::api::PushServiceStatus| {
        service.url == url && service.reason.as_deref().is_some_and(|reason| reason.contains("imported"))
    };
    // Somebody is asked for the keyring's password meanwhile.
    machines.new.door.refuse(KeyringError::Locked("no password yet".into()));
    machines.new.door.think(true);
    let imported = importing(&receiver, &document, None);
    soon("the question", machines.new.door.asked()).await;
    assert!(receiver.status().await.push_services.iter().any(waits), "nobody is connected");
    let added = receiver.client.request(Request::AddPushService { url: url.clone() });
    soon("the service", added).await.unwrap();
    assert!(receiver.status().await.push_services.iter().any(waits), "nobody is connected yet");
    machines.new.door.think(false);

    let (mut peer, hello) = machines.service.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1", "nobody else said hello before");
    let imported = sites(imported).await;
    assert!(imported[0].moved);
    peer.notify(&channel, "v1", &titled(&subscription, "Moved")).await;
    assert_eq!(receiver.titles(1).await, ["Moved"]);
}

#[tokio::test]
async fn a_site_that_waits_for_pairing_does_so_where_it_moves_to() {
    let machines = Machines::new().await;
    let (receiver, mut peer) = machines.before().await;
    receiver.paired(&mut peer, "Backups").await;
    receiver.paired(&mut peer, "Builds").await;
    machines.old.tamper().execute("UPDATE site SET needs_pairing = 1 WHERE name = 'Backups'", []).unwrap();
    let (document, receiver, _peer) = machines.after(receiver, passphrase()).await;
    let imported = sites(importing(&receiver, &document, None)).await;
    assert!(imported.iter().all(|imported| imported.moved));
    assert!(receiver.show("Backups").await.needs_pairing);
    assert!(!receiver.show("Builds").await.needs_pairing);
}

#[tokio::test]
async fn a_site_that_is_removed_while_it_comes_in_keeps_no_other_from_it() {
    let machines = Machines::new().await;
    let (receiver, mut peer) = machines.before().await;
    receiver.paired(&mut peer, "Backups").await;
    receiver.paired(&mut peer, "Builds").await;
    let (document, mut receiver, mut peer) = machines.after(receiver, None).await;
    let imported = receiver.ask(Request::ImportSites { document, passphrase: None, local: None });
    let registers = [peer.receive().await, peer.receive().await];
    let removing = receiver.ask(Request::RemoveSite { site: "Backups".into() });
    while receiver.sites().await.len() > 1 {
        receiver.event("the removal", |event| *event == Event::Changed).await;
    }
    for register in &registers {
        peer.grant(register["channelID"].as_str().unwrap()).await;
    }
    let told = peer.receive().await;
    assert_eq!(told["messageType"], "unregister");
    peer.send(json!({"messageType": "unregister", "channelID": told["channelID"], "status": 200})).await;
    soon("the end of it", removing).await.unwrap().unwrap();
    let imported = sites(imported).await;
    let names: Vec<_> = imported.iter().map(|imported| imported.site.name.as_str()).collect();
    assert_eq!(names, ["Builds"]);
    assert!(imported[0].site.subscription.is_some() && imported[0].reason.is_none());
}

#[tokio::test]
async fn a_site_at_the_local_service_is_at_the_local_one_where_it_comes_to() {
    let (old, new) = (Machine::new(), Machine::new());
    let (here, there) = (ScriptedService::start().await, ScriptedService::start().await);
    let receiver = old.start(&here).await;
    let (mut peer, _) = here.welcome("a1").await;
    receiver.paired(&mut peer, "Backups").await;
    let request = |passphrase| Request::ExportSites { passphrase, local: Some(here.url().parse().unwrap()) };
    let Response::Exported(open) = receiver.client.request(request(None)).await.unwrap() else { panic!() };
    let Response::Exported(sealed) = receiver.client.request(request(passphrase())).await.unwrap() else {
        panic!()
    };
    receiver.engine.shutdown().await;

    let receiver = new.start(&there).await;
    let (mut peer, _) = there.welcome("b1").await;
    let refused = soon("the refusal", importing(&receiver, &open.document, None)).await.unwrap().unwrap_err();
    assert_eq!((refused.code, refused.message.contains("local")), (ErrorCode::Invalid, true));
    let imported = importing(&receiver, &open.document, Some(&there));
    peer.answer_register().await;
    let imported = sites(imported).await;
    assert_eq!(imported[0].site.push_service, there.url().parse().unwrap());

    // A subscription is where it is.
    receiver.set("Backups", &[SiteChange::Name("Builds".into())]).await.unwrap();
    let imported = importing(&receiver, &sealed.document, Some(&there));
    let (_peer, hello) = here.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1");
    let imported = sites(imported).await;
    assert_eq!(imported[0].site.push_service, here.url().parse().unwrap());
}
