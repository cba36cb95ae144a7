use user_agent::api::SiteChange;
use webpush::Urgency;
use webpush::payload::MappedField;

use super::*;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    let words = std::iter::once("belfry").chain(line.split(' ').filter(|word| !word.is_empty()));
    Arguments::read(words.map(Into::into))
}

fn command(line: &str) -> Command {
    parse(line).unwrap_or_else(|error| panic!("{line}: {error}")).command
}

#[test]
fn the_definition_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    for line in ["--profile P --json --ca a --ca b run", "run --profile P --json --ca a --ca b"] {
        let global = parse(line).unwrap().global;
        assert_eq!(global.profile, Some("P".into()));
        assert!(global.json);
        assert_eq!(global.ca, [PathBuf::from("a"), "b".into()]);
    }
    assert_eq!(parse("-vv doctor").unwrap().global.verbose, 2);
}

#[test]
fn every_command_of_the_contract_is_understood() {
    let key = "BDzM_h01bGr8NjrvHghw8chYifNdrx0qMYlWvzRqMeY7T8KDvnp6-9oxiSsRFwVk5Gtwb1AGIdW4DqCPExxpWFY";
    for line in [
        "serve",
        "serve --listen 127.0.0.1:8030 --data D --public-url https://push.example/ --tls-cert F --tls-key F",
        "serve --tls auto --json",
        "run --push-service ws://127.0.0.1:8030/ --notify portable --exec true",
        "run --push-service local",
        "run --push-service ws://push.example/ --allow-insecure",
        &format!("site add Backups --url https://example.com --vapid-key {key} --push-service mozilla"),
        "site list",
        "site show Backups --subscription",
        "site set Backups name=B url= state=quiet snooze=1h map.tag=/tag",
        "site set Backups snooze=off sound=off links=ask images=never burst=10/60 dnd-bypass=on",
        "site set Backups snooze=until-tomorrow burst=off vapid-key= push-service=wss://push.example/",
        "site remove Backups --yes",
        "site export F --with-keys",
        "site import F",
        "inbox --site S --search words --unread --limit 3",
        "inbox show 7 --raw",
        "inbox read 7 8",
        "inbox delete 7 8",
        "dnd on",
        "dnd until-tomorrow",
        "config get ca-file",
        "config set ca-file F",
        "config set dnd-schedule 22:00-07:00,mon-fri",
        "config set history-days",
        "config set history-per-site 500 --yes",
        "config get history-per-site",
        "config get push-service",
        "service list",
        "service add wss://push.example/",
        "service remove local",
        "send --to - --title T --body B --navigate https://example.com/",
        "send --to F --payload - --ttl 0 --urgency very-low --topic t --vapid-key K",
        "test",
        "test Backups",
        "doctor",
        "vapid generate",
        "completions bash",
    ] {
        command(line);
    }
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    for line in [
        "",
        "bell",
        "serve --tls-cert F",
        "serve --tls auto --tls-cert F --tls-key F",
        "serve --listen nowhere",
        "run --push-service https://push.example/",
        "run --push-service ws://push.example/",
        "run --notify loudly",
        "site add",
        "site add A --vapid-key short",
        "site set A",
        "site set A state",
        "site set A state=loud",
        "site set A colour=red",
        "site set A sound=loud",
        "site set A snooze=on",
        "site set A snooze=-1h",
        "site set A burst=5",
        "site set A links=some",
        "site set A vapid-key=short",
        "site set A push-service=https://push.example/",
        "site set A map.title=title",
        "site set A map.title=/a~",
        "site set A map.colour=/a",
        "site set A map.=/a",
        "config get colour",
        "config set history-days many",
        "config set history-days 0",
        "config set history-per-site 1000001",
        "config set dnd-schedule noon",
        "config set push-service https://push.example/",
        "dnd bogus",
        "dnd -5m",
        "dnd 5",
        "site add A --url example.com",
        "site add A --url ftp://example.com",
        &format!("site add {}", "x".repeat(101)),
        "site set A name=",
        "site set A url=example.com",
        "site set A url=ftp://example.com",
        "serve --public-url push.example",
        "serve --public-url wss://push.example/",
        "serve --public-url https://push.example/?a",
        "serve --trusted-proxy proxy",
        "inbox --limit few",
        "send --to - --payload -",
        "send --to F --title= --navigate https://a.example/",
        "send --to F --title T --navigate https://a.example/ --tag= --renotify",
        "service add https://push.example/",
        "inbox read",
        "inbox show seven",
        "inbox --unread show 7",
        "send",
        "send --to F --body B",
        "send --to F --title T --tag t",
        "send --to F --title T --navigate https://a.example/ --renotify",
        "send --to F --title T --navigate https://a.example/ --action Log",
        "send --to F --title T --navigate https://a.example/ --silent --vibrate 1",
        "send --to F --title T --navigate https://a.example/ --dir up",
        "send --to F --title T --navigate https://a.example/ --data {",
        "send --to F --payload P --image https://a.example/",
        "send --to F --title T --payload F",
        "send --to F --ttl -1",
        "send --to F --urgency now",
        "send --to F --topic a.b",
    ] {
        let error = parse(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
    }
    assert_eq!(parse("--help").unwrap_err().exit_code(), 0);
    assert_eq!(parse("--version").unwrap_err().kind(), ErrorKind::DisplayVersion);
}

#[test]
fn a_wrong_value_is_refused_with_an_example_and_not_in_the_words_of_a_parser() {
    let send = "send --to F --title T --navigate https://a.example/";
    for (line, expected) in [
        ("serve --listen nowhere", "such as 127.0.0.1:8030 or [::1]:8030"),
        ("serve --public-url push.example", "such as https://push.example.org/"),
        ("serve --trusted-proxy proxy", "such as 127.0.0.1 or ::1"),
        ("run --push-service push.example", "such as wss://push.example.org/"),
        ("site add A --url example", "such as https://example.org"),
        ("site add A --vapid-key short", "87 characters of base64url that begin with B"),
        ("site set A url=example", "such as https://example.org"),
        ("site set A vapid-key=short", "87 characters of base64url that begin with B"),
        ("site set A state", "such as state=quiet"),
        ("site set A snooze=soon", "a duration such as 45m or 2h"),
        ("site set A burst=many", "such as 5/10"),
        ("inbox --limit few", "such as 20"),
        ("inbox show seven", "such as 12"),
        ("dnd bogus", "give on, off, until-tomorrow, or a duration such as 45m or 2h"),
        (
            "config set history-days many",
            "history-days is a whole number from 1 to 36500, such as 90, or off",
        ),
        ("config set dnd-schedule noon", "such as 22:00-07:00"),
        ("send --to F --ttl soon", "a whole number of seconds, such as 3600"),
        ("send --to F --topic a.b", "such as build-7"),
        ("send --to F --title T --navigate log", "such as https://example.org/log"),
        (&format!("{send} --icon i.png"), "such as https://example.org/log"),
        (&format!("{send} --vibrate long"), "such as 200,100,200"),
        (&format!("{send} --app-badge many"), "such as 3"),
        (&format!("{send} --data {{"), "such as {\"id\":7}"),
        (&format!("{send} --timestamp now"), "such as 2026-11-25T10:00:00Z"),
        (&format!("{send} --action Log"), "such as Log=https://example.org/log"),
    ] {
        let error = parse(line).expect_err(line).to_string();
        assert!(error.contains(expected), "{line}: {error}");
        for words in
            ["relative URL", "invalid digit", "invalid socket", "invalid IP", "EOF", "expected value"]
        {
            assert!(!error.contains(words), "{line}: {error}");
        }
    }
}

#[test]
fn a_field_is_mapped_and_unmapped() {
    let line = "site set A map.title=/a~1b/0 map.body=/t map.link= map.image=/i map.tag=/=";
    let Command::Site(SiteCommand::Set(set)) = command(line) else { panic!() };
    let map = |field, pointer: Option<&str>| {
        Change::Known(SiteChange::Map { field, pointer: pointer.map(|text| text.parse().unwrap()) })
    };
    let expected = [
        map(MappedField::Title, Some("/a~1b/0")),
        map(MappedField::Body, Some("/t")),
        map(MappedField::Link, None),
        map(MappedField::Image, Some("/i")),
        map(MappedField::Tag, Some("/=")),
    ];
    assert_eq!(set.changes, expected);
    let error = parse("site set A map.title=title").unwrap_err().to_string();
    assert!(error.contains("map.title") && error.contains("begins with a slash"), "{error}");
}

#[test]
fn a_push_is_kept_four_weeks_unless_told_otherwise() {
    let Command::Send(send) = command("send --to -") else { panic!() };
    assert_eq!((send.ttl, send.urgency, send.to), (2_419_200, Urgency::Normal, Source::Stdin));
}

#[test]
fn a_push_service_limits_others_than_this_computer_unless_told_otherwise() {
    for (options, limited) in [
        ("", false),
        ("--listen [::1]:1", false),
        ("--listen 0.0.0.0:1", true),
        ("--trusted-proxy 127.0.0.1 --trusted-proxy ::1", true),
        ("--rate-limits on", true),
        ("--listen 192.0.2.1:1 --rate-limits off", false),
    ] {
        let Command::Serve(serve) = command(format!("serve {options}").trim()) else { panic!() };
        assert_eq!(serve.rate_limits().is_some(), limited, "{options}");
    }
}

#[test]
fn help_lists_the_error_codes() {
    let help = Arguments::command().render_long_help().to_string();
    for code in ["profile-in-use", "not-found", "unsupported"] {
        assert!(help.contains(code), "{help}");
    }
}
