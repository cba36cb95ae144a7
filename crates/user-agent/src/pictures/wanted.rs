//! Whether a picture may be loaded at all, decided from its URL, its site and what the user has set for that site.

use url::{Host, Origin, Url};

use super::{Refusal, address};
use crate::api::Images;

/// What a picture is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// A small one of the sender.
    Icon,
    /// A large one of what it is about.
    Image,
}

impl Use {
    /// Bytes that it may have as it is sent.
    pub(super) fn most_bytes(self) -> usize {
        match self {
            Self::Icon => 1024 * 1024,
            Self::Image => 5 * 1024 * 1024,
        }
    }

    /// Pixels that its longer edge keeps.
    pub(super) fn longest_edge(self) -> u32 {
        match self {
            Self::Icon => 256,
            Self::Image => 512,
        }
    }
}

/// A picture that may be loaded. Equal ones have the same outcome, whoever wants them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    url: Url,
    purpose: Use,
    /// The site's origin, if the picture is on the site's own host.
    own: Option<Origin>,
}

/// From where a picture may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Public addresses.
    Internet,
    /// Any address.
    Anywhere,
}

impl Wanted {
    /// `site`: the site's URL. Without one, no picture is the site's own: what a push names itself proves nothing.
    pub(crate) fn new(url: &Url, purpose: Use, site: Option<&Url>, images: Images) -> Result<Self, Refusal> {
        let own = site.filter(|site| site.host().is_some() && site.host() == url.host()).map(Url::origin);
        let wanted = Self { url: url.clone(), purpose, own };
        match images {
            Images::Never => return Err(Refusal::Never),
            Images::Own if site.is_none() => return Err(Refusal::UnknownHost),
            Images::Own if wanted.own.is_none() => return Err(Refusal::Foreign),
            Images::Own | Images::Always => {}
        }
        wanted.reach(url)?;
        Ok(wanted)
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn purpose(&self) -> Use {
        self.purpose
    }

    /// Whether it is on the site's own host. A redirect never leaves the host.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// From where this URL, the picture's own or one that it redirects to, may be loaded. Where the site itself is (the same
    /// scheme, host and port), it may load from whichever address that is. Nowhere else is a private one reached: not
    /// another port of this computer, and not by a name that resolves to one.
    pub(super) fn reach(&self, url: &Url) -> Result<Reach, Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::NotWeb);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        if self.own.as_ref() == Some(&url.origin()) {
            return Ok(Reach::Anywhere);
        }
        let is_public = match url.host() {
            Some(Host::Ipv4(address)) => address::is_public(address.into()),
            Some(Host::Ipv6(address)) => address::is_public(address.into()),
            // Its addresses are looked at when they are known.
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if is_public { Ok(Reach::Internet) } else { Err(Refusal::Private) }
    }

    /// Where a redirect from one URL leads: to the same host, and never from https back to http.
    pub(super) fn redirected(&self, from: &Url, location: &str) -> Result<Url, Refusal> {
        let to = from.join(location).map_err(|_| Refusal::Redirected)?;
        let is_downgrade = from.scheme() == "https" && to.scheme() != "https";
        if to.host() != from.host() || is_downgrade {
            return Err(Refusal::Redirected);
        }
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(url: &str, site: Option<&str>, images: Images) -> Result<Reach, Refusal> {
        let (url, site) = (Url::parse(url).unwrap(), site.map(|site| Url::parse(site).unwrap()));
        Wanted::new(&url, Use::Icon, site.as_ref(), images)?.reach(&url)
    }

    const SITE: Option<&str> = Some("https://example.org/");

    #[test]
    fn a_sites_setting_decides_by_the_pictures_host() {
        for own in ["https://example.org/a.png", "http://example.org/", "https://EXAMPLE.org:8443/a?b#c"] {
            assert!(reach(own, SITE, Images::Own).is_ok(), "{own}");
            assert!(reach(own, SITE, Images::Always).is_ok(), "{own}");
            assert_eq!(reach(own, SITE, Images::Never), Err(Refusal::Never), "{own}");
            assert_eq!(reach(own, None, Images::Own), Err(Refusal::UnknownHost), "{own}");
            assert_eq!(reach(own, None, Images::Always), Ok(Reach::Internet), "{own}");
        }
        for foreign in [
            "https://cdn.example.org/",
            "https://example.org.evil.example/",
            "https://evil.example/example.org",
            "https://ехample.org/",
            "https://example.org./",
        ] {
            assert_eq!(reach(foreign, SITE, Images::Own), Err(Refusal::Foreign), "{foreign}");
            assert_eq!(reach(foreign, SITE, Images::Always), Ok(Reach::Internet), "{foreign}");
            assert_eq!(reach(foreign, SITE, Images::Never), Err(Refusal::Never), "{foreign}");
        }
    }

    #[test]
    fn only_the_web_is_asked_and_without_credentials() {
        for other in
            ["file:///etc/passwd", "data:image/png;base64,AA==", "ftp://example.org/a.png", "javascript:1"]
        {
            assert_eq!(reach(other, SITE, Images::Always), Err(Refusal::NotWeb), "{other}");
        }
        for credentials in
            ["https://me@example.org/a.png", "https://me:pw@example.org/", "https://:pw@example.org/"]
        {
            assert_eq!(reach(credentials, SITE, Images::Own), Err(Refusal::Credentials), "{credentials}");
        }
        // The host is what follows the `@`.
        assert_eq!(reach("https://example.org@evil.example/", SITE, Images::Own), Err(Refusal::Foreign));
    }

    #[test]
    fn no_spelling_of_a_private_address_is_reached() {
        for private in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://0/",
            "http://10.0.0.1/",
            "http://192.168.1.1:8080/",
            "http://169.254.169.254/latest/meta-data/",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://224.0.0.1/",
        ] {
            assert_eq!(reach(private, SITE, Images::Always), Err(Refusal::Private), "{private}");
            assert_eq!(reach(private, None, Images::Always), Err(Refusal::Private), "{private}");
        }
        assert_eq!(reach("http://1.1.1.1/", None, Images::Always), Ok(Reach::Internet));
    }

    #[test]
    fn where_the_site_itself_is_it_may_load_from() {
        let local = Some("http://127.0.0.1:8123/");
        assert_eq!(reach("http://127.0.0.1:8123/icon.png", local, Images::Own), Ok(Reach::Anywhere));
        assert_eq!(reach("http://0x7f.1:8123/icon.png", local, Images::Own), Ok(Reach::Anywhere));
        for beside in ["http://127.0.0.1:631/", "https://127.0.0.1:8123/", "http://127.0.0.1/"] {
            assert_eq!(reach(beside, local, Images::Own), Err(Refusal::Private), "{beside}");
        }
        assert_eq!(
            reach("http://nas.lan/icon.png", Some("http://nas.lan/x"), Images::Own),
            Ok(Reach::Anywhere)
        );
        assert_eq!(
            reach("http://nas.lan:81/icon.png", Some("http://nas.lan/"), Images::Own),
            Ok(Reach::Internet)
        );
        assert_eq!(
            reach("http://192.168.1.2/", Some("http://192.168.1.3/"), Images::Always),
            Err(Refusal::Private)
        );
    }

    #[test]
    fn a_redirect_stays_with_the_host_and_with_encryption() {
        let from = Url::parse("https://example.org/a/b.png").unwrap();
        let wanted = Wanted::new(&from, Use::Image, None, Images::Always).unwrap();
        let to = |location: &str| wanted.redirected(&from, location).map(String::from);
        assert_eq!(to("c.png").unwrap(), "https://example.org/a/c.png");
        assert_eq!(to("/c.png").unwrap(), "https://example.org/c.png");
        assert_eq!(to("//example.org:444/c.png").unwrap(), "https://example.org:444/c.png");
        for refused in [
            "//evil.example/",
            "http://example.org/c.png",
            "http://127.0.0.1/",
            "file:///etc/passwd",
            "https://[/",
        ] {
            assert_eq!(to(refused), Err(Refusal::Redirected), "{refused}");
        }
        let plain = Url::parse("http://example.org/").unwrap();
        assert!(wanted.redirected(&plain, "https://example.org/").is_ok());
    }
}
