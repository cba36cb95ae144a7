//! Nothing is lost and nothing doubled, whatever breaks: a bad network, and power failures on both sides.

use std::time::Duration;

use anyhow::Result;
use belfry_tests::faults::{Fault, Framing};
use belfry_tests::soak::Soak;

#[tokio::test]
async fn a_minute_of_bad_network_and_thirty_power_failures_lose_nothing_and_show_nothing_twice() -> Result<()>
{
    let faults = Fault::all(Framing::WebSocket);
    let soak = Soak {
        seed: 4,
        span: Duration::from_secs(60),
        pushes: 400,
        kills: 30,
        service_kills: 0,
        faults: faults.clone(),
        framing: Framing::WebSocket,
    };
    let report = soak.run().await?;
    println!("{report}");
    for fault in faults {
        assert!(report.faults.count(fault) > 0, "{fault:?} has not happened: {report}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_push_service_accepts_under_load_survives_thirty_of_its_power_failures() -> Result<()> {
    let soak = Soak {
        seed: 5,
        span: Duration::from_secs(10),
        pushes: 600,
        kills: 10,
        service_kills: 30,
        faults: Vec::new(),
        framing: Framing::WebSocket,
    };
    println!("{}", soak.run().await?);
    Ok(())
}

#[tokio::test]
async fn bytes_altered_on_the_way_change_no_push_and_lose_none() -> Result<()> {
    let soak = Soak {
        seed: 6,
        span: Duration::from_secs(10),
        pushes: 100,
        kills: 5,
        service_kills: 0,
        faults: vec![Fault::Alter],
        framing: Framing::Tls,
    };
    let report = soak.run().await?;
    println!("{report}");
    assert!(report.faults.count(Fault::Alter) > 0, "{report}");
    Ok(())
}
