//! Cache of factored Schwarz methods on a GPU. A method lives as long as the values from which it was factored.

use std::sync::Arc;

use super::Matrix;
use super::locked::Locked;
use crate::backend::Cuda;
use crate::backend::cuda::{Memory, OnDevice, Plain};
use crate::error::Result;
use crate::schwarz::{DeviceFactors, DeviceSubdomains, Subdomains, Variant};
use crate::sparse::Pattern;

/// A factored Schwarz method on a device.
#[derive(Debug)]
pub struct DeviceMethod<T> {
    pub(super) layout: Arc<DeviceSubdomains>,
    pub(super) factors: DeviceFactors<T>,
    pub(super) variant: Variant,
}

/// The factored methods of an engine and the subdomains that it has uploaded.
#[derive(Debug)]
pub(super) struct Methods<T: Plain> {
    layouts: Locked<Vec<Known>>,
    factored: Locked<Vec<Entry<T>>>,
}

type Known = (Arc<Pattern>, Subdomains, Arc<DeviceSubdomains>);

/// The entry owns the values, so that their address cannot be reused for other values.
#[derive(Debug)]
struct Entry<T: Plain> {
    a: Arc<Memory<T>>,
    interface: Arc<Memory<T>>,
    subdomains: Subdomains,
    method: Arc<DeviceMethod<T>>,
}

impl<T: OnDevice> Methods<T> {
    pub fn new() -> Self {
        Self { layouts: Locked::default(), factored: Locked::default() }
    }

    /// The method of `a` on these subdomains with these interface values, factored on first use.
    ///
    /// # Errors
    /// A singular local matrix, subdomains that do not fit, a failure of the device.
    pub fn get(
        &self,
        cuda: &Cuda,
        a: &Matrix<Arc<Memory<T>>>,
        subdomains: &Subdomains,
        interface: &Arc<Memory<T>>,
    ) -> Result<Arc<DeviceMethod<T>>> {
        let mut factored = self.factored.borrow_mut();
        let known = factored.iter().find(|e| {
            Arc::ptr_eq(&e.a, &a.values)
                && Arc::ptr_eq(&e.interface, interface)
                && e.subdomains == *subdomains
        });
        if let Some(entry) = known {
            return Ok(entry.method.clone());
        }
        factored.retain(|e| Arc::strong_count(&e.interface) > 1 && Arc::strong_count(&e.a) > 1);
        let layout = self.layout(cuda, &a.pattern, subdomains)?;
        let mut factors = DeviceFactors::new(cuda, &layout);
        cuda.factor_subdomains(&layout, &a.values, interface, &mut factors);
        factors.check(cuda)?;
        let method = Arc::new(DeviceMethod { layout, factors, variant: subdomains.variant() });
        let (a, interface, subdomains) = (a.values.clone(), interface.clone(), subdomains.clone());
        factored.push(Entry { a, interface, subdomains, method: method.clone() });
        Ok(method)
    }

    fn layout(
        &self,
        cuda: &Cuda,
        pattern: &Arc<Pattern>,
        subdomains: &Subdomains,
    ) -> Result<Arc<DeviceSubdomains>> {
        let mut layouts = self.layouts.borrow_mut();
        if let Some((_, _, known)) =
            layouts.iter().find(|(p, s, _)| Arc::ptr_eq(p, pattern) && s == subdomains)
        {
            return Ok(known.clone());
        }
        let layout = Arc::new(DeviceSubdomains::new(cuda, &*subdomains.layout(pattern)?));
        layouts.push((pattern.clone(), subdomains.clone(), layout.clone()));
        Ok(layout)
    }

    /// Drops the factorisations and keeps the uploaded subdomains.
    pub fn clear(&self) {
        self.factored.borrow_mut().clear();
    }
}
