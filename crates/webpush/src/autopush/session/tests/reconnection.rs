//! When the session comes back, and when it does not, in virtual time moved by hand.

use super::*;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Connected, and taken to be a good connection or not.
fn connected_for(wire: &mut Wire, span: u64) {
    wire.greet(UAID);
    wire.events();
    wire.pass(span);
}

#[test]
fn closing_right_after_hello_makes_the_next_attempt_wait_longer_each_time() {
    let mut wire = Wire::new(Some(UAID));
    for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        connected_for(&mut wire, 29);
        assert_eq!(wire.lose(Some(1011), 1.0), Some(seconds(delay)));
        wire.pass(delay);
        assert_eq!(wire.events(), [Event::Connect]);
    }
    for _ in 0..3 {
        connected_for(&mut wire, 30);
        assert_eq!(wire.lose(Some(1011), 1.0), Some(seconds(1)), "after a good connection");
        wire.pass(1);
        assert_eq!(wire.events(), [Event::Connect]);
    }
}

#[test]
fn a_good_connection_that_we_close_is_followed_at_once_as_well() {
    let mut wire = Wire::new(Some(UAID));
    for delay in [1, 2, 4] {
        assert_eq!(wire.lose(None, 1.0), Some(seconds(delay)));
        wire.pass(delay);
    }
    connected_for(&mut wire, 390);
    wire.pass(10);
    assert!(wire.is_closed(), "silent");
    assert_eq!(wire.lose(None, 1.0), Some(seconds(1)));
}

#[test]
fn somebody_who_waits_gets_one_attempt_and_leaves_the_pace_as_it_is() {
    let mut wire = Wire::new(Some(UAID));
    wire.events();
    for delay in [1, 2, 4, 8] {
        assert_eq!(wire.lose(None, 1.0), Some(seconds(delay)));
        wire.events();
        wire.session.attempt_now(wire.now);
        assert_eq!(wire.events(), [Event::Connect]);
        // The attempt that is being made is as good as another.
        wire.session.attempt_now(wire.now);
        assert_eq!(wire.events(), []);
    }
    assert_eq!(wire.lose(Some(4774), 1.0), None);
    wire.events();
    wire.session.attempt_now(wire.now);
    assert_eq!(wire.events(), [], "it has sent us away");
}

/// Each connection of one closes that of the other, as autopush does when a profile is in use twice.
#[test]
fn two_copies_of_a_profile_do_not_fight_for_ever() {
    let mut random = 1_u64;
    let mut jitter = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as f64 / f64::from(u32::MAX >> 1)
    };
    let mut copies = [Wire::new(Some(UAID)), Wire::new(Some(UAID))];
    let mut connections = Vec::new();
    while copies[0].now.0 < seconds(24 * 3600) {
        for n in [0, 1] {
            if copies[n].events().contains(&Event::Connect) {
                copies[n].greet(UAID);
                copies[n].events();
                connections.push(copies[n].now);
                if copies[1 - n].session.state.name() == "ready" {
                    copies[1 - n].lose(Some(1011), jitter());
                }
            }
        }
        // The service pings in time.
        let pause = copies.iter().filter_map(|copy| copy.session.poll_timeout()).min().unwrap();
        for copy in &mut copies {
            copy.session.handle_activity(pause);
            copy.now = pause;
            copy.session.handle_timeout(pause);
        }
    }
    let in_hour = |hour: u64| connections.iter().filter(|at| at.0.as_secs() / 3600 == hour).count();
    let hours: Vec<usize> = (0..24).map(in_hour).collect();
    assert!(hours[0] < 100 && hours[1..].iter().all(|count| *count < 60), "{hours:?}");
}

#[test]
fn told_to_stay_away_it_comes_back_once_for_a_request_but_not_for_the_same_one_again() {
    let mut wire = Wire::ready(Some(UAID));
    wire.session.register(wire.now, channel(1), None);
    assert_eq!(wire.lose(Some(4774), 1.0), None);
    for _ in 0..3 {
        wire.session.register(wire.now, channel(1), None);
        assert_eq!(wire.events(), [], "open already: the service knows what we want and sent us away");
    }
    wire.session.register(wire.now, channel(2), None);
    assert_eq!(wire.events(), [Event::Connect]);
    assert_eq!(wire.greet(UAID).len(), 2);
    wire.receive(registered(1, 200, ENDPOINT));
    wire.receive(registered(2, 200, ENDPOINT));
    wire.lose(Some(4774), 1.0);
    wire.session.register(wire.now, channel(2), None);
    assert_eq!(wire.events(), [Event::Connect], "answered before, so a new request");
}

#[test]
fn a_network_change_does_not_shorten_the_wait_that_the_service_asked_for() {
    for code in [None, Some(4774)] {
        let mut wire = Wire::new(None);
        wire.session.handle_disconnected(wire.now, code, Some(seconds(120)), 0.0, "503".into());
        wire.events();
        wire.pass(100);
        wire.session.reconnect_now(wire.now);
        assert_eq!((wire.events(), wire.timeout_in()), (vec![], 20));
        wire.pass(20);
        assert_eq!(wire.events(), [Event::Connect]);
    }
    let mut wire = Wire::new(None);
    wire.session.handle_disconnected(wire.now, None, Some(Duration::MAX), 0.0, "503".into());
    assert_eq!(wire.timeout_in(), 24 * 3600, "no service silences us for good");
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.timeout_in(), 24 * 3600);
}

#[test]
fn an_attempt_on_the_network_before_is_given_up_early() {
    let mut wire = Wire::new(None);
    wire.events();
    wire.pass(2);
    wire.session.reconnect_now(wire.now);
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.timeout_in(), 3);
    wire.pass(3);
    assert!(wire.is_closed());
    assert_eq!(wire.lose(None, 1.0), Some(seconds(1)));
    wire.pass(1);
    assert_eq!(wire.events(), [Event::Connect]);
    assert_eq!(wire.timeout_in(), 30, "the new attempt has all the time");
}

#[test]
fn after_a_long_sleep_a_connection_is_closed_without_asking() {
    for wakes in [Session::handle_timeout, Session::reconnect_now] {
        let mut wire = Wire::ready(Some(UAID));
        wire.now = wire.now + seconds(8 * 3600);
        wakes(&mut wire.session, wire.now);
        assert_eq!(wire.frames(), Vec::<Value>::new());
        assert!(wire.is_closed());
        assert_eq!(wire.lose(None, 1.0), Some(seconds(1)));
    }
    let mut wire = Wire::ready(Some(UAID));
    wire.now = wire.now + seconds(200);
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.frames(), [json!({})], "after a short one it is tested");
}

#[test]
fn every_close_code_backs_off_and_reconnects_except_the_one_that_says_stay_away() {
    for code in [None, Some(1000), Some(1001), Some(1006), Some(1011)] {
        let mut wire = Wire::ready(Some(UAID));
        assert_eq!(wire.lose(code, 0.5), Some(Duration::from_millis(500)));
        wire.pass(1);
        assert_eq!(wire.events(), [Event::Connect]);
        wire.session.handle_connected(wire.now);
        assert_eq!(wire.frames()[0]["uaid"], UAID, "a close code does not change who we are");
    }
    let stay_away = || {
        let mut wire = Wire::ready(Some(UAID));
        assert_eq!(wire.lose(Some(4774), 1.0), None);
        assert_eq!(wire.session.poll_timeout(), None);
        wire.pass(1_000_000);
        assert_eq!(wire.events(), []);
        wire
    };
    let mut wire = stay_away();
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.events(), [Event::Connect]);
    let mut wire = stay_away();
    wire.session.register(wire.now, channel(1), None);
    assert_eq!(wire.events(), [Event::Connect]);
    let mut wire = stay_away();
    wire.session.unregister(wire.now, channel(1), UnregisterCode::UserRequest);
    assert_eq!(wire.events(), [Event::Connect]);
}

#[test]
fn failed_attempts_wait_longer_and_a_network_change_starts_over() {
    let mut wire = Wire::new(None);
    for seconds in [1, 2, 4, 8] {
        assert_eq!(wire.lose(None, 1.0), Some(Duration::from_secs(seconds)));
        wire.session.register(wire.now, channel(1), None);
        wire.pass(seconds - 1);
        assert_eq!(wire.events(), [], "a request does not shorten the wait");
        wire.pass(1);
        assert_eq!(wire.events(), [Event::Connect]);
    }
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.lose(None, 1.0), Some(Duration::from_secs(16)), "an open socket is no success yet");
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.events(), [Event::Connect], "the network changed");
    wire.greet(UAID);
    assert_eq!(wire.lose(None, 1.0), Some(Duration::from_secs(1)));
}

#[test]
fn the_services_retry_after_is_respected() {
    let mut wire = Wire::new(None);
    let asked = Duration::from_secs(120);
    wire.session.handle_disconnected(wire.now, None, Some(asked), 0.0, "503".into());
    wire.events();
    assert_eq!(wire.timeout_in(), 120);
}

#[test]
fn connecting_ends_after_half_a_minute() {
    let mut wire = Wire::new(None);
    assert_eq!(wire.timeout_in(), 30);
    wire.pass(30);
    assert!(wire.is_closed());
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.frames(), Vec::<Value>::new(), "too late");
    assert!(wire.lose(None, 1.0).is_some());
}

#[test]
fn what_was_not_taken_before_the_end_of_a_connection_is_not_sent_on_the_next() {
    let mut wire = Wire::ready(Some(UAID));
    wire.session.register(wire.now, channel(1), None);
    wire.receive(json!({"messageType": "notification", "channelID": channel(1), "version": "v"}));
    wire.session.acknowledge(vec![(channel(1), version("v"), AckCode::Delivered)]);
    wire.session.handle_disconnected(wire.now, None, None, 1.0, "gone".into());
    assert_eq!(wire.frames(), Vec::<Value>::new());
    assert!(
        matches!(wire.events().as_slice(), [Event::Message(_), Event::Disconnected { .. }]),
        "messages stay"
    );
    wire.session.handle_disconnected(wire.now, None, None, 1.0, "again".into());
    assert_eq!(wire.events(), [], "one end per connection");
}
