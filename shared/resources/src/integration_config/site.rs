//! Which site an address of an API means.

use url::Url;

/// The one spelling of an API's address: host, port and path, so that two configs that name one site are found equal.
///
/// The host is in lower case, without the dot that ends a full domain name. A default port, a user name, a password and slashes
/// at the end are left out, and so is the scheme: a site that answers both HTTP and HTTPS is one site. What is no URL is its
/// own spelling.
pub fn site(api_url: &str) -> String {
    let Ok(url) = Url::parse(api_url) else {
        return api_url.trim_end_matches('/').to_owned();
    };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{host}{port}{}", url.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_address_is_one_site() {
        for spelling in [
            "https://git.example",
            "https://git.example/",
            "https://git.example//",
            "https://GIT.Example",
            "HTTPS://git.example",
            "https://git.example:443/",
            "https://git.example.",
            "https://ada:secret@git.example",
            "http://git.example",
            "http://git.example:80",
        ] {
            assert_eq!(site(spelling), "git.example", "{spelling}");
        }
        assert_eq!(site("https://GHE.example/api/v3/"), "ghe.example/api/v3");
        assert_eq!(site("http://[::1]:3000/"), "[::1]:3000");
    }

    #[test]
    fn another_host_port_or_path_is_another_site() {
        let all =
            ["https://a.example", "https://b.example", "https://a.example:8443", "https://a.example/git"];
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                assert_ne!(site(one), site(other));
            }
        }
    }

    #[test]
    fn what_is_no_url_is_its_own_spelling() {
        assert_eq!(site("nonsense/"), "nonsense");
    }
}
