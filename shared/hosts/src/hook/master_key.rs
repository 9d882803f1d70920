//! The keys that the secrets of hooks are derived from.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;
use tidegate_model::ConfigRef;

use super::Salt;
use crate::{hook_label::HookLabel, ports::proof};

/// A master key of at least 32 bytes. Two are live at once, so that they can be rotated.
#[derive(Debug, Clone)]
pub struct MasterKey(SecretSlice<u8>);

impl MasterKey {
    const MIN_BYTES: usize = 32;

    /// Reads a key written in hexadecimal digits.
    pub fn from_hex(text: &SecretString) -> Result<Self, MasterKeyError> {
        // The decoder's error would show a character of the key.
        let bytes = hex::decode(text.expose_secret()).map_err(|_| MasterKeyError::NotHex)?;
        if bytes.len() < Self::MIN_BYTES {
            return Err(MasterKeyError::TooShort { bytes: bytes.len() });
        }
        Ok(Self(bytes.into()))
    }

    /// A name for the key that reveals nothing about it: 16 hexadecimal digits.
    ///
    /// No hook's secret comes from the same input: theirs starts with a length, so with a zero byte.
    pub fn id(&self) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes keys of any length");
        mac.update(b"tidegate master key id");
        hex::encode(&mac.finalize().into_bytes()[..8])
    }

    /// The secret of one hook: HMAC-SHA256 of this key over label, namespace, name and salt, spelled as the host
    /// takes it: 64 hexadecimal digits, or a signing token.
    ///
    /// Each field goes in behind its length (8 bytes, big endian), so no two hooks share an input.
    pub fn derive(&self, label: HookLabel, config: &ConfigRef, salt: &Salt) -> SecretString {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes keys of any length");
        for field in [label.as_str(), config.namespace.as_str(), config.name.as_str(), salt.as_str()] {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field.as_bytes());
        }
        proof(label).secret(mac.finalize().into_bytes().into())
    }
}

/// A text that is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// It is not written in pairs of hexadecimal digits.
    #[error("failed to read the master key: expected hexadecimal digits in pairs")]
    NotHex,
    /// It is too short to be safe.
    #[error("failed to read the master key: expected at least 32 bytes, got {bytes}")]
    TooShort {
        /// Its length.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests;
