//! What a store holds of an object.

use crate::key::Key;

/// What is held of an object: a handle that is cheap to clone.
pub trait Held: Clone + Send + Sync + 'static {
    /// Its namespace and name.
    fn key(&self) -> Key;
    /// Which object of this name it is.
    fn uid(&self) -> Option<&str>;
    /// Which version of the object it is.
    fn version(&self) -> Option<&str>;
}
