//! Silence, pings, and how seldom an idle session wakes.

use super::*;

#[test]
fn silence_is_asked_about_and_no_answer_closes() {
    let mut wire = Wire::ready(None);
    assert_eq!(wire.timeout_in(), 390);
    wire.pass(300);
    wire.session.handle_activity(wire.now);
    assert_eq!(wire.timeout_in(), 390);
    wire.pass(389);
    assert_eq!(wire.frames(), Vec::<Value>::new());
    wire.pass(1);
    assert_eq!(wire.frames(), [json!({})]);
    wire.pass(9);
    wire.receive(json!({}));
    assert_eq!(wire.timeout_in(), 390);
    wire.pass(390);
    assert_eq!(wire.frames(), [json!({})]);
    wire.pass(9);
    assert!(!wire.is_closed());
    wire.pass(1);
    assert!(wire.is_closed());
    assert_eq!(wire.session.poll_timeout(), None);
}

#[test]
fn the_services_pings_are_enough_to_never_wake_an_idle_session() {
    let mut wire = Wire::ready(None);
    let (mut wakes, mut next_ping) = (0, Duration::from_secs(300));
    while wire.now.0 < Duration::from_secs(24 * 3600) {
        let timeout = wire.session.poll_timeout().unwrap();
        if timeout.0 < next_ping {
            wire.now = timeout;
            wire.session.handle_timeout(wire.now);
            wakes += 1;
        } else {
            wire.now = Moment(next_ping);
            wire.session.handle_activity(wire.now);
            next_ping += Duration::from_secs(300);
        }
    }
    assert_eq!(wakes, 0);
    assert_eq!(wire.frames(), Vec::<Value>::new());
}

#[test]
fn a_network_change_tests_a_standing_connection_without_pinging_too_often() {
    let mut wire = Wire::ready(None);
    wire.pass(100);
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.frames(), [json!({})]);
    assert_eq!(wire.timeout_in(), 10);
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.frames(), Vec::<Value>::new());
    wire.receive(json!({}));
    wire.pass(5);
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.frames(), Vec::<Value>::new());
    assert_eq!(wire.timeout_in(), 55, "60 s after the ping before");
    wire.pass(55);
    assert_eq!(wire.frames(), [json!({})]);
    wire.pass(10);
    assert!(wire.is_closed());
}
