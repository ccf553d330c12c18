//! Networks in CIDR notation.

use std::net::IpAddr;

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// `10.0.0.0/24`, `2001:db8::/32`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
        Some(Network { address, bits })
    }

    /// Whether the text is an address of this network.
    pub fn holds(&self, text: &str) -> bool {
        let Ok(address) = text.parse::<IpAddr>() else { return false };
        if address.is_ipv4() != self.address.is_ipv4() {
            return false;
        }
        let differ = number(address) ^ number(self.address);
        differ.checked_shr(width(address) - self.bits).unwrap_or(0) == 0
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        let holds = |network: &str, address: &str| Network::parse(network).unwrap().holds(address);
        assert!(holds("10.0.0.0/24", "10.0.0.255"));
        assert!(!holds("10.0.0.0/24", "10.0.1.0"));
        assert!(holds("0.0.0.0/0", "255.1.1.1"));
        assert!(holds("10.0.0.7/32", "10.0.0.7"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1"));
        assert!(holds("::/0", "2001:db8:1::1"));
        assert!(!holds("2001:db8::/32", "10.0.0.1"));
        assert!(!holds("10.0.0.0/24", "10.0.0.x"));
        for bad in ["10.0.0.0", "10.0.0.0/33", "x/3", "10.0.0/24", "::/129"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
