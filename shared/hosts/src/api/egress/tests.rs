use proptest::prelude::*;

use super::*;

fn check(listed: &[&str], url: &str) -> Result<(), EgressError> {
    let policy = EgressPolicy::new(listed.iter().map(|text| (*text).to_owned()));
    policy.check(&url.parse().expect("a URL"))
}

fn not_public(host: &str) -> Result<(), EgressError> {
    Err(EgressError::NotPublic { host: host.to_owned() })
}

#[test]
fn without_a_list_only_https_to_public_addresses_passes() {
    for good in [
        "https://api.github.com",
        "https://git.example:8443/gitea",
        "https://1.1.1.1",
        "https://[2606:4700::1]",
    ] {
        assert_eq!(check(&[], good), Ok(()), "{good}");
    }
    assert_eq!(check(&[], "http://git.example"), Err(EgressError::NotHttps));
    assert_eq!(check(&[], "ftp://git.example"), Err(EgressError::NotHttps));
    assert_eq!(check(&[], "https://user@git.example"), Err(EgressError::UserInfo));
    assert_eq!(check(&[], "https://:pw@git.example"), Err(EgressError::UserInfo));
    assert_eq!(check(&[], "data:x"), Err(EgressError::NoHost));
    // Other ways to write 127.0.0.1 and 169.254.169.254.
    assert_eq!(check(&[], "https://2130706433"), not_public("127.0.0.1"));
    assert_eq!(check(&[], "https://0x7f.1"), not_public("127.0.0.1"));
    assert_eq!(check(&[], "https://[::ffff:169.254.169.254]"), not_public("::ffff:a9fe:a9fe"));
}

#[test]
fn what_is_listed_passes_with_its_ports_only() {
    let listed = ["Git.Internal:3000", "10.0.0.7", "[fd00::1]:8080", "fd00::2"];
    for good in [
        "http://git.internal:3000/api",
        "https://GIT.INTERNAL:3000",
        "http://10.0.0.7",
        "https://10.0.0.7:9999",
        "http://[fd00::1]:8080",
        "https://[fd00::2]:1",
    ] {
        assert_eq!(check(&listed, good), Ok(()), "{good}");
    }
    for bad in ["https://git.internal", "http://git.internal:3001", "http://[fd00::1]"] {
        assert!(matches!(check(&listed, bad), Err(EgressError::Port { .. })), "{bad}");
    }
    assert_eq!(check(&listed, "https://10.0.0.8"), not_public("10.0.0.8"));
}

#[test]
fn one_private_address_among_public_ones_spoils_a_name() {
    let address = |text: &str| SocketAddr::new(text.parse().expect("an address"), 0);
    let policy = EgressPolicy::new(["git.internal:3000".to_owned()]);
    let addresses = [address("1.1.1.1"), address("10.0.0.1")];
    assert_eq!(policy.check_resolved("git.example", &addresses), not_public("git.example"));
    assert_eq!(policy.check_resolved("git.example", &addresses[..1]), Ok(()));
    assert_eq!(policy.check_resolved("git.internal", &addresses), Ok(()));
}

#[test]
fn special_addresses_are_not_public() {
    for special in [
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "100::1",
        "2001::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:a00:1::1",
        "3fff:fff::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(special.parse().expect("an address")), "{special} passed");
    }
    for public in [
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "::ffff:1.1.1.1",
        "2001:200::1",
        "2001:4860::8888",
        "2606:4700::1",
        "3fff:1000::1",
    ] {
        assert!(is_public(public.parse().expect("an address")), "{public} was refused");
    }
}

proptest! {
    #[test]
    fn a_mapped_address_is_judged_like_itself(address: u32) {
        let address = Ipv4Addr::from(address);
        prop_assert_eq!(is_public(address.into()), is_public(address.to_ipv6_mapped().into()));
    }
}
