use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;

use super::*;
use crate::api::{CommandError, EntryFilter, ErrorCode, Event, Request, Response};
use crate::client::{Client, Command};
use crate::profile::{Profile, ProfileLock};

/// An engine whose answers the test gives.
struct Owner {
    profile: Profile,
    lock: ProfileLock,
    socket: ControlServer,
    commands: mpsc::Receiver<Command>,
    events: broadcast::Sender<Event>,
    _temp: tempfile::TempDir,
}

fn owner_in(folder: &str) -> Owner {
    let temp = tempfile::tempdir().unwrap();
    let profile = Profile::open(&temp.path().join(folder)).unwrap();
    let lock = profile.lock().unwrap().unwrap();
    let (requests, commands) = mpsc::channel(8);
    let (events, _) = broadcast::channel(64);
    let socket = serve(&profile, &lock, Client::in_process(requests, events.clone())).unwrap();
    Owner { profile, lock, socket, commands, events, _temp: temp }
}

fn failed(reason: &str) -> Event {
    Event::Failed { site: None, reason: reason.into() }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("took too long")
}

#[tokio::test]
async fn a_connected_client_asks_and_listens_like_one_in_process() {
    let mut owner = owner_in("p");
    let client = connect(&owner.profile).await.unwrap();
    let mut events = client.events();

    let (first, second) = (client.clone(), client.clone());
    let first = tokio::spawn(async move { first.request(Request::ListSites).await });
    let one = soon(owner.commands.recv()).await.unwrap();
    let second = tokio::spawn(async move {
        second.request(Request::ListEntries(EntryFilter { limit: Some(3), ..EntryFilter::default() })).await
    });
    let two = soon(owner.commands.recv()).await.unwrap();
    assert_eq!(one.request, Request::ListSites);

    // Answered in the other order.
    let no = CommandError::new(ErrorCode::NotFound, "no such site");
    two.reply.send(Err(no.clone())).unwrap();
    assert_eq!(soon(second).await.unwrap(), Err(no));
    one.reply.send(Ok(Response::Sites(Vec::new()))).unwrap();
    assert_eq!(soon(first).await.unwrap(), Ok(Response::Sites(Vec::new())));

    owner.events.send(failed("heard")).unwrap();
    assert_eq!(soon(events.next()).await, Some(failed("heard")));

    owner.socket.shutdown().await;
    assert_eq!(soon(events.next()).await, None);
    assert!(client.request(Request::Status).await.is_err());
    assert!(matches!(connect(&owner.profile).await, Err(ConnectError::Absent)));
}

#[tokio::test]
async fn a_request_under_way_is_answered_when_the_engine_stops() {
    let mut owner = owner_in("p");
    let client = connect(&owner.profile).await.unwrap();
    let asked = tokio::spawn(async move { client.request(Request::Status).await });
    let command = soon(owner.commands.recv()).await.unwrap();
    let shutdown = tokio::spawn(owner.socket.shutdown());
    command.reply.send(Ok(Response::Done)).unwrap();
    assert_eq!(soon(asked).await.unwrap(), Ok(Response::Done));
    soon(shutdown).await.unwrap();
}

#[tokio::test]
async fn an_answer_too_large_for_a_line_is_refused_and_the_connection_lives_on() {
    let mut owner = owner_in("p");
    let client = connect(&owner.profile).await.unwrap();
    for (message, code) in
        [("x".repeat(wire::TO_CLIENT), ErrorCode::Invalid), ("short".into(), ErrorCode::Storage)]
    {
        let client = client.clone();
        let asked = tokio::spawn(async move { client.request(Request::Status).await });
        let command = soon(owner.commands.recv()).await.unwrap();
        command.reply.send(Err(CommandError::new(ErrorCode::Storage, message))).unwrap();
        assert_eq!(soon(asked).await.unwrap().unwrap_err().code, code);
    }
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::PermissionsExt as _;

    use tokio::net::{UnixListener, UnixStream};

    use super::*;

    #[tokio::test]
    async fn the_socket_is_private_and_gone_afterwards() {
        let owner = owner_in("p");
        let path = owner.profile.dir().join("control.sock");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        owner.socket.shutdown().await;
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_profile_deeper_than_a_socket_path_may_be_long_works() {
        let mut owner = owner_in(&["deep"; 60].join("/"));
        assert!(owner.profile.dir().as_os_str().len() > 200);
        let client = connect(&owner.profile).await.unwrap();
        let asked = tokio::spawn(async move { client.request(Request::Status).await });
        let command = soon(owner.commands.recv()).await.unwrap();
        command.reply.send(Ok(Response::Done)).unwrap();
        assert_eq!(soon(asked).await.unwrap(), Ok(Response::Done));
    }

    #[tokio::test]
    async fn a_dead_owners_socket_is_replaced() {
        let owner = owner_in("p");
        owner.socket.shutdown().await;
        let path = owner.profile.dir().join("control.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        assert!(matches!(connect(&owner.profile).await, Err(ConnectError::Absent)));
        let (requests, _commands) = mpsc::channel(8);
        let (events, _) = broadcast::channel(64);
        let client = Client::in_process(requests, events.clone());
        let _socket = serve(&owner.profile, &owner.lock, client).unwrap();
        assert!(connect(&owner.profile).await.is_ok());
    }

    #[tokio::test]
    async fn nonsense_ends_only_its_own_connection() {
        let mut owner = owner_in("p");
        let client = connect(&owner.profile).await.unwrap();
        let too_long = vec![b' '; super::super::wire::TO_SERVER + 1];
        for nonsense in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"{\"type\":\"request\"}\n", &too_long] {
            let mut stream =
                BufReader::new(UnixStream::connect(owner.profile.dir().join("control.sock")).await.unwrap());
            let mut greeting = String::new();
            soon(stream.read_line(&mut greeting)).await.unwrap();
            assert!(greeting.contains("\"protocol\":1"), "{greeting}");
            // The server may hang up before all is written.
            let _ = soon(stream.write_all(nonsense)).await;
            let mut rest = Vec::new();
            let _ = soon(stream.read_to_end(&mut rest)).await;
            assert!(rest.is_empty());
        }
        let asked = tokio::spawn(async move { client.request(Request::Status).await });
        let command = soon(owner.commands.recv()).await.unwrap();
        command.reply.send(Ok(Response::Done)).unwrap();
        assert_eq!(soon(asked).await.unwrap(), Ok(Response::Done));
    }

    #[tokio::test]
    async fn what_a_later_owner_says_that_is_not_known_concerns_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let profile = Profile::open(temp.path()).unwrap();
        let listener = UnixListener::bind(profile.dir().join("control.sock")).unwrap();
        let owner = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"{\"protocol\":1,\"belfry\":\"9.0.0\"}\n").await.unwrap();
            stream
        };
        let (mut owner, client) = soon(async { tokio::join!(owner, connect(&profile)) }).await;
        let client = client.unwrap();
        let mut events = client.events();
        for news in
            [r#"{"event":"rings","bell":1}"#, r#"{"event":"locked","reason":"r","code":"bell-stolen"}"#]
        {
            let line = format!("{{\"type\":\"event\",\"body\":{news}}}\n");
            owner.write_all(line.as_bytes()).await.unwrap();
        }
        owner.write_all(b"{\"type\":\"event\",\"body\":{\"event\":\"changed\"}}\n").await.unwrap();
        assert_eq!(soon(events.next()).await, Some(Event::Changed));

        for (id, body) in [
            r#"{"type":"answer","id":0,"body":{"response":"bells"}}"#,
            r#"{"type":"refusal","id":1,"body":{"code":"no-bell","message":"m"}}"#,
        ]
        .into_iter()
        .enumerate()
        {
            let client = client.clone();
            let asked = tokio::spawn(async move { client.request(Request::Status).await });
            let mut line = String::new();
            while !line.contains(&format!("\"id\":{id}")) {
                line.clear();
                assert_ne!(soon(owner.read_line(&mut line)).await.unwrap(), 0);
            }
            owner.write_all(format!("{body}\n").as_bytes()).await.unwrap();
            let error = soon(asked).await.unwrap().unwrap_err();
            assert!(error.code == ErrorCode::Unsupported && error.message.contains("upgrade"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_owner_of_another_version_is_told_apart() {
        let temp = tempfile::tempdir().unwrap();
        let profile = Profile::open(temp.path()).unwrap();
        let listener = UnixListener::bind(profile.dir().join("control.sock")).unwrap();
        for (greeting, word) in [
            ("{\"protocol\":0,\"belfry\":\"0.0.1\"}\n", "restart"),
            ("{\"protocol\":2,\"belfry\":\"9.0.0\",\"more\":[]}\n", "upgrade"),
            ("SSH-2.0-OpenSSH\n", "not Belfry"),
        ] {
            let greet = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(greeting.as_bytes()).await.unwrap();
                stream
            };
            let (_stream, connected) = soon(async { tokio::join!(greet, connect(&profile)) }).await;
            let Err(ConnectError::Failed(error)) = connected else { panic!("{greeting}") };
            assert_eq!(error.code, ErrorCode::ProfileInUse);
            assert!(error.message.contains(word), "{error}");
        }
    }
}
