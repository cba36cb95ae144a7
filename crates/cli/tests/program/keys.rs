use webpush::vapid::VapidKey;

use super::*;

#[tokio::test]
async fn a_generated_key_can_be_kept_in_a_file_and_its_public_half_read() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["vapid", "generate"]).await;
    assert!(output.status.success());
    let pem = String::from_utf8(output.stdout).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n") && pem.ends_with("-----END PRIVATE KEY-----\n"));
    let public = VapidKey::from_pem(&pem).unwrap().public().to_string();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("public key: {public}\n"));

    let output = run(home.path(), &["--json", "vapid", "generate"]).await;
    let pair: Value = serde_json::from_slice(&output.stdout).unwrap();
    let key = VapidKey::from_pem(pair["private_key"].as_str().unwrap()).unwrap();
    assert_eq!(pair["public_key"], key.public().to_string());
    assert_ne!(pair["public_key"], public);
}

#[tokio::test]
async fn shells_get_a_completion_script() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["completions", "bash"]).await;
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("complete"));
}
