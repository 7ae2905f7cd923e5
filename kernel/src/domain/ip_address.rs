//! IP addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::{Serialize, Serializer};

use super::Invalid;
use crate::fields::{self, FieldErrors};

/// An IPv4 or IPv6 address. However it was written, its text is the canonical one (RFC 5952).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IpAddress(IpAddr);

impl IpAddress {
    /// The address. Parts of IPv4 must be decimal and without leading zeros; a zone (`%eth0`) or a prefix length (`/24`)
    /// is no part of an address.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self).map_err(|_| Invalid {
            code: "invalid_format",
            message: "must be an IPv4 or IPv6 address, such as 198.51.100.7 or 2001:db8::7".to_owned(),
        })
    }

    /// What one customer of a provider has, more or less: the address itself for IPv4 (also where it is written as IPv6), the
    /// first 64 bits for IPv6. Whoever is given more gets by with what is counted for their neighbours, too.
    pub fn network(self) -> Self {
        match self.0.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => Self(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))),
        }
    }

    /// A text that sorts as addresses do: by number, IPv4 before IPv6.
    pub fn sort_key(self) -> String {
        match self.0 {
            IpAddr::V4(address) => format!("4{:08x}", address.to_bits()),
            IpAddr::V6(address) => format!("6{:032x}", address.to_bits()),
        }
    }
}

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        Self(address)
    }
}

impl From<IpAddress> for IpAddr {
    fn from(address: IpAddress) -> Self {
        address.0
    }
}

impl fmt::Display for IpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for IpAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Deserr<FieldErrors> for IpAddress {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let text = fields::text(value, location)?;
        Self::parse(&text).map_err(|invalid| FieldErrors::at(location, invalid))
    }
}

impl utoipa::PartialSchema for IpAddress {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("An IPv4 or IPv6 address"))
            .max_length(Some(45))
            .examples(["198.51.100.7"])
            .into()
    }
}

impl utoipa::ToSchema for IpAddress {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn has_one_text_however_it_was_written() {
        let text = |address: &str| IpAddress::parse(address).unwrap().to_string();
        assert_eq!(text("198.51.100.7"), "198.51.100.7");
        assert_eq!(text("2001:0DB8:0:0:0:0:0:7"), "2001:db8::7");
        for bad in [
            "",
            "198.51.100",
            "198.51.100.07",
            "198.51.100.7/24",
            "fe80::1%eth0",
            "[::1]",
            " ::1",
            "localhost",
        ] {
            assert!(IpAddress::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn keys_sort_as_addresses(one in any::<IpAddr>(), other in any::<IpAddr>()) {
            prop_assert_eq!(IpAddress(one).sort_key().cmp(&IpAddress(other).sort_key()), one.cmp(&other));
        }
    }
}
