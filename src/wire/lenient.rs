//! Values of JSON as senders really write them: borrowed where they can be, `null` for what is not there, numbers as text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A text; `null` is the empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(text.into()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(text.to_owned().into()))
            }

            fn visit_unit<E: Error>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }
        }
        from.deserialize_any(Visit)
    }
}

/// A whole number, as a number or as text; `null` is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Whole<T>(pub(super) T);

impl<'de, T> Deserialize<'de> for Whole<T>
where
    T: FromStr + TryFrom<i64> + TryFrom<u64> + Default,
{
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit<T>(PhantomData<T>);
        impl<T> Visitor<'_> for Visit<T>
        where
            T: FromStr + TryFrom<i64> + TryFrom<u64> + Default,
        {
            type Value = Whole<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number of type {}", std::any::type_name::<T>())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Whole<T>, E> {
                let whole = T::try_from(number);
                let whole =
                    whole.map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self));
                whole.map(Whole)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Whole<T>, E> {
                let whole = T::try_from(number);
                let whole = whole.map_err(|_| E::invalid_value(Unexpected::Signed(number), &self));
                whole.map(Whole)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Whole<T>, E> {
                let whole = text.parse();
                let whole = whole.map_err(|_| E::invalid_value(Unexpected::Str(text), &self));
                whole.map(Whole)
            }

            fn visit_unit<E: Error>(self) -> Result<Whole<T>, E> {
                Ok(Whole(T::default()))
            }
        }
        from.deserialize_any(Visit(PhantomData))
    }
}

/// A number, as such or as text, which may be `NaN` or `Infinity`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Double(pub(super) f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Double;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Double, E> {
                Ok(Double(number))
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "the type is the sender's choice"
            )]
            fn visit_u64<E: Error>(self, number: u64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "the type is the sender's choice"
            )]
            fn visit_i64<E: Error>(self, number: i64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Double, E> {
                let number = text.parse();
                let number = number.map_err(|_| E::invalid_value(Unexpected::Str(text), &self));
                number.map(Double)
            }
        }
        from.deserialize_any(Visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_numbers_or_as_text() {
        for json in ["\"-7\"", "-7"] {
            assert_eq!(serde_json::from_str(json).ok(), Some(Whole(-7_i64)));
            assert_eq!(serde_json::from_str(json).ok(), Some(Double(-7.0)));
            assert!(serde_json::from_str::<Whole<u64>>(json).is_err());
        }
        assert_eq!(serde_json::from_str("null").ok(), Some(Whole(0_u64)));
        assert!(serde_json::from_str::<Whole<i64>>("1.5").is_err());
        let infinite: Double = serde_json::from_str("\"-Infinity\"").unwrap();
        assert!(infinite.0 < f64::MIN);
        assert!(
            serde_json::from_str::<Double>("\"NaN\"")
                .unwrap()
                .0
                .is_nan()
        );
    }

    #[test]
    fn a_text_is_borrowed_unless_it_has_escapes() {
        let text: Text<'_> = serde_json::from_str("\"grüße\"").unwrap();
        assert!(matches!(text.0, Cow::Borrowed("grüße")));
        let text: Text<'_> = serde_json::from_str("\"a\\nb\"").unwrap();
        assert_eq!(text.0, "a\nb");
        assert_eq!(serde_json::from_str("null").ok(), Some(Text::default()));
        assert!(serde_json::from_str::<Text<'_>>("7").is_err());
    }
}
