//! Looks for secrets in files, in every form a program is likely to have written them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Where something was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// What was found: the name the caller gave it.
    pub what: String,
    /// In which form.
    pub form: &'static str,
}

/// Something that must not be found: its name for people, and its bytes.
pub type Secret = (String, Vec<u8>);

/// Every occurrence of a secret in the files of a folder and the folders in it.
pub fn scan(folder: &Path, secrets: &[Secret]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in files(folder)? {
        let content = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        for (what, secret) in secrets {
            let found = forms(secret).into_iter().filter(|(_, bytes)| contains(&content, bytes));
            findings.extend(found.map(|(form, _)| Finding { file: file.clone(), what: what.clone(), form }));
        }
    }
    Ok(findings)
}

/// All regular files below a folder; sockets and pipes hold no data.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files.extend(self::files(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// A secret as it may stand in a file. Base64 comes in three alignments: it may be part of something longer.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms =
        vec![("raw", secret.to_vec()), ("HEX", hex.to_uppercase().into_bytes()), ("hex", hex.into_bytes())];
    for shift in 0..3 {
        forms.push(("base64", aligned(&STANDARD_NO_PAD, secret, shift)));
        forms.push(("base64url", aligned(&URL_SAFE_NO_PAD, secret, shift)));
    }
    forms
}

/// The characters of base64 that depend on the secret alone when `shift` other bytes stand before it.
fn aligned(engine: &impl Engine, secret: &[u8], shift: usize) -> Vec<u8> {
    let mut padded = vec![0; shift];
    padded.extend_from_slice(secret);
    let text = engine.encode(&padded).into_bytes();
    let first = (shift * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    text.into_iter().take(last).skip(first).collect()
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form_and_nowhere_else() {
        // Both alphabets differ in these bytes.
        let secret = b"\xfb\xef\xbe\xff\xffthe secret\xfb".to_vec();
        let longer = |before: &[u8]| [before, &secret, b"after"].concat();
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let hex: String = secret.iter().map(|byte| format!("{byte:02X}")).collect();
        for (name, content) in [
            ("raw", longer(b"x")),
            ("HEX", hex.clone().into_bytes()),
            ("hex", hex.to_lowercase().into_bytes()),
            ("base64", STANDARD.encode(longer(b"")).into_bytes()),
            ("base64", STANDARD.encode(longer(b"1")).into_bytes()),
            ("base64url", URL_SAFE.encode(longer(b"12")).into_bytes()),
            ("base64url", URL_SAFE_NO_PAD.encode(&secret).into_bytes()),
        ] {
            let file = inner.join("file");
            fs::write(&file, content).unwrap();
            let secrets =
                [("it".to_owned(), secret.clone()), ("other".to_owned(), b"another secret".to_vec())];
            let findings = scan(folder.path(), &secrets).unwrap();
            let expected = Finding { file, what: "it".to_owned(), form: name };
            assert_eq!(findings, [expected]);
        }
    }
}
