//! Enums whose numbers on the wire are the ones written beside their variants.
//!
//! The codec's own derive counts variants from zero in the order they stand and ignores the numbers one writes, so moving
//! a line would change the protocol. These are encoded by hand.

/// Declares an enum of plain reasons or kinds; each is its number as a u16, and an unknown number is refused.
macro_rules! codes {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $($(#[$code_doc:meta])* $code:ident = $number:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$code_doc])* $code,)+
        }

        impl bincode::Encode for $name {
            fn encode<E: bincode::enc::Encoder>(&self, encoder: &mut E) -> Result<(), bincode::error::EncodeError> {
                let number: u16 = match self {
                    $(Self::$code => $number,)+
                };
                bincode::Encode::encode(&number, encoder)
            }
        }

        impl<Context> bincode::Decode<Context> for $name {
            fn decode<D: bincode::de::Decoder<Context = Context>>(
                decoder: &mut D,
            ) -> Result<Self, bincode::error::DecodeError> {
                match <u16 as bincode::Decode<Context>>::decode(decoder)? {
                    $($number => Ok(Self::$code),)+
                    found => Err(bincode::error::DecodeError::UnexpectedVariant {
                        type_name: stringify!($name),
                        allowed: &bincode::error::AllowedEnumVariants::Allowed(&[$($number),+]),
                        found: u32::from(found),
                    }),
                }
            }
        }

        bincode::impl_borrow_decode!($name);
    };
}
