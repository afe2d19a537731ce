//! Every range by hand, and all addresses against a table that is written and read in another way.

use std::net::IpAddr;

use proptest::prelude::{any, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::address::{forbidden, forbidden_inside};

/// Ranges as people write them, and whether a provider's file may open them. The longest that fits decides.
const TABLE: &[(&str, char)] = &[
    ("0.0.0.0/0", 'o'),
    ("0.0.0.0/8", 'n'),
    ("10.0.0.0/8", 'i'),
    ("100.64.0.0/10", 'i'),
    ("100.100.100.200/32", 'n'),
    ("127.0.0.0/8", 'i'),
    ("168.63.129.16/32", 'n'),
    ("169.254.0.0/16", 'n'),
    ("172.16.0.0/12", 'i'),
    ("192.0.0.0/24", 'n'),
    ("192.0.2.0/24", 'n'),
    ("192.88.99.0/24", 'n'),
    ("192.168.0.0/16", 'i'),
    ("198.18.0.0/15", 'n'),
    ("198.51.100.0/24", 'n'),
    ("203.0.113.0/24", 'n'),
    ("224.0.0.0/3", 'n'),
    ("::/0", 'n'),
    ("::1/128", 'i'),
    ("2000::/3", 'o'),
    ("2001::/23", 'n'),
    ("2001:db8::/32", 'n'),
    ("2002::/16", 'n'),
    ("3fff::/20", 'n'),
    ("fc00::/7", 'i'),
    ("fd00:ec2::/32", 'n'),
    ("fd00:42::/32", 'n'),
    ("fd20:ce::/32", 'n'),
];

/// The address as bits, one by one; IPv4 inside IPv6 is taken out of its text.
fn naive(address: IpAddr) -> char {
    let address = match address {
        IpAddr::V6(six) if six.octets()[..12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] => tail(&six.octets()),
        IpAddr::V6(six) if six.octets()[..12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] => tail(&six.octets()),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    };
    let fits = |text: &str| {
        let (range, length) = text.split_once('/').expect("a length");
        let length: usize = length.parse().expect("a number");
        let (range, address) = (bits(range.parse().expect("an address")), bits(address));
        (range.len() == address.len() && range[..length] == address[..length]).then_some(length)
    };
    let best = TABLE.iter().filter_map(|(text, place)| Some((fits(text)?, *place))).max_by_key(|(length, _)| *length);
    best.expect("everything is somewhere").1
}

fn tail(octets: &[u8; 16]) -> IpAddr {
    IpAddr::from([octets[12], octets[13], octets[14], octets[15]])
}

fn bits(address: IpAddr) -> Vec<bool> {
    let octets = match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    octets.iter().flat_map(|octet| (0..8).map(move |bit| octet & (0x80 >> bit) != 0)).collect()
}

fn shown(address: IpAddr) -> char {
    match (forbidden(address), forbidden_inside(address)) {
        (None, None) => 'o',
        (Some(_), None) => 'i',
        (Some(_), Some(_)) => 'n',
        (None, Some(_)) => panic!("{address} is refused only where more is allowed"),
    }
}

/// Addresses near the edges of the ranges: few random ones would ever fall into a /32.
fn edges() -> impl Strategy<Value = IpAddr> {
    let range = (0..TABLE.len(), any::<u128>(), -1_i8..=1);
    range.prop_map(|(row, noise, step)| {
        let (range, length) = TABLE[row].0.split_once('/').expect("a length");
        let length: u32 = length.parse().expect("a number");
        match range.parse().expect("an address") {
            IpAddr::V4(four) => {
                let low = u32::MAX.checked_shr(length).unwrap_or(0);
                let inside = four.to_bits() | (noise as u32 & low);
                IpAddr::from(
                    (if step == 0 { inside } else { four.to_bits() }).wrapping_add_signed(step.into()).to_be_bytes(),
                )
            }
            IpAddr::V6(six) => {
                let low = u128::MAX.checked_shr(length).unwrap_or(0);
                let inside = six.to_bits() | (noise & low);
                IpAddr::from(
                    (if step == 0 { inside } else { six.to_bits() }).wrapping_add_signed(step.into()).to_be_bytes(),
                )
            }
        }
    })
}

fn wrapped() -> impl Strategy<Value = IpAddr> {
    let prefixes = prop_oneof![just("::ffff:0:0"), just("64:ff9b::"), just("64:ff9b:1::"), just("::"), just("2002::")];
    (prefixes, any::<u32>(), edges()).prop_map(|(prefix, random, edge)| {
        let four = match edge {
            IpAddr::V4(four) => four.to_bits(),
            IpAddr::V6(_) => random,
        };
        IpAddr::from((prefix | u128::from(four)).to_be_bytes())
    })
}

fn just(text: &str) -> impl Strategy<Value = u128> {
    let address: std::net::Ipv6Addr = text.parse().expect("an address");
    proptest::strategy::Just(address.to_bits())
}

proptest! {
    #[test]
    fn every_address_is_where_a_table_read_bit_by_bit_says(
        address in prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 16]>().prop_map(IpAddr::from),
            edges(),
            wrapped(),
        ]
    ) {
        prop_assert_eq!(shown(address), naive(address), "{}", address);
    }
}

#[test]
fn addresses_of_the_open_internet_are_allowed() {
    for text in
        ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.255"]
    {
        assert_eq!(forbidden(parse(text)), None, "{text}");
    }
    for text in
        ["2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]
    {
        assert_eq!(forbidden(parse(text)), None, "{text}");
    }
}

#[test]
fn private_addresses_are_refused_unless_a_file_allows_them() {
    let four =
        ["127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"];
    let six = ["::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"];
    for text in four.iter().chain(&six) {
        assert!(forbidden(parse(text)).is_some(), "{text}");
        assert_eq!(forbidden_inside(parse(text)), None, "{text}");
    }
}

#[test]
fn metadata_services_and_addresses_without_a_host_are_never_allowed() {
    let metadata = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"];
    let metadata_six = ["fd00:ec2::254", "fd20:ce::254", "fd00:42::42", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"];
    let nobody =
        ["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "ff02::1"];
    let special =
        ["192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255", "2001:db8::1", "3fff::1"];
    let inside = ["fe80::1", "febf::1", "fec0::1", "100::1", "::127.0.0.1", "::10.0.0.1", "::1.1.1.1"];
    let tunnels = [
        "2002:7f00:1::",
        "2002:101:101::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "64:ff9b:1::a00:1",
        "::ffff:0:7f00:1",
    ];
    for text in metadata.iter().chain(&metadata_six).chain(&nobody).chain(&special).chain(&inside).chain(&tunnels) {
        assert!(forbidden(parse(text)).is_some(), "{text}");
        assert!(forbidden_inside(parse(text)).is_some(), "{text}");
    }
}

#[test]
fn a_refusal_says_what_kind_of_address_it_is() {
    assert_eq!(forbidden(parse("169.254.169.254")), Some("a link-local address"));
    assert_eq!(forbidden(parse("::ffff:10.0.0.1")), Some("a private address"));
    assert_eq!(forbidden(parse("100.100.100.200")), Some("the address of a metadata service"));
}

fn parse(text: &str) -> IpAddr {
    text.parse().expect(text)
}
