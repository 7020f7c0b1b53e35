//! Cache of patterns on the device.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use super::sweeps::DeviceOrder;
use super::triangular::DeviceLevels;
use super::{Cuda, Memory};
use crate::backend::{Colouring, Order};
use crate::sparse::Pattern;

/// The structure of a matrix on the device.
#[derive(Debug)]
pub(crate) struct DevicePattern {
    pub rows: usize,
    pub cols: usize,
    pub row_ptr: Memory<u32>,
    pub col_idx: Memory<u32>,
    transposition: OnceLock<DeviceTransposition>,
    /// Levels of the lower and the upper triangle, and of both for the transpose.
    levels: [OnceLock<DeviceLevels>; 4],
}

/// The transposition of a pattern on the device: a permutation into the same values.
#[derive(Debug)]
pub(crate) struct DeviceTransposition {
    pub ptr: Memory<u32>,
    pub row_idx: Memory<u32>,
    pub source: Memory<u32>,
}

impl DevicePattern {
    /// Number of stored entries.
    pub fn nnz(&self) -> usize {
        self.col_idx.len()
    }

    /// The transposition of `pattern`, from which this was uploaded; uploaded on first use.
    pub fn transposition(&self, cuda: &Cuda, pattern: &Pattern) -> &DeviceTransposition {
        self.transposition.get_or_init(|| {
            let t = pattern.transposition();
            DeviceTransposition {
                ptr: cuda.upload(&t.ptr),
                row_idx: cuda.upload(&t.row_idx),
                source: cuda.upload(&t.source),
            }
        })
    }
}

impl DevicePattern {
    /// The levels of a triangle of `pattern`, from which this was uploaded, or of the transposed triangle;
    /// made on first use.
    pub fn levels(&self, cuda: &Cuda, pattern: &Pattern, lower: bool, transposed: bool) -> &DeviceLevels {
        let slot = &self.levels[2 * usize::from(transposed) + usize::from(lower)];
        slot.get_or_init(|| DeviceLevels::new(cuda, pattern, lower, transposed))
    }
}

/// An order of the rows on the device, with the rank of every row for colours.
#[derive(Debug)]
pub(crate) struct RankedOrder {
    pub order: DeviceOrder,
    pub rank: Memory<u32>,
}

/// Uploaded objects by the address of the host's object, which is held weakly so that a new one at the same
/// address is not confused with it.
#[derive(Debug)]
struct Uploaded<H, D>(HashMap<usize, (Weak<H>, Arc<D>)>);

impl<H, D> Default for Uploaded<H, D> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<H, D> Uploaded<H, D> {
    fn find(&self, host: &Arc<H>) -> Option<Arc<D>> {
        let (known, device) = self.0.get(&(Arc::as_ptr(host) as usize))?;
        (known.strong_count() > 0).then(|| device.clone())
    }

    /// Adds an uploaded object, unless another thread was first. Returns obsolete ones as well.
    fn keep(&mut self, host: &Arc<H>, device: Arc<D>) -> (Arc<D>, Vec<Arc<D>>) {
        let unused = self.0.extract_if(|_, (host, _)| host.strong_count() == 0);
        let mut unused: Vec<Arc<D>> = unused.map(|(_, (_, device))| device).collect();
        if let Some(known) = self.find(host) {
            unused.push(device);
            return (known, unused);
        }
        self.0.insert(Arc::as_ptr(host) as usize, (Arc::downgrade(host), device.clone()));
        (device, unused)
    }
}

/// Uploaded patterns and colours.
#[derive(Debug, Default)]
pub(super) struct Known {
    patterns: Uploaded<Pattern, DevicePattern>,
    colours: Uploaded<Colouring, RankedOrder>,
}

/// No thread waits for the device while it holds this lock: the device may wait for another thread that
/// captures work, and that thread for the lock.
impl Cuda {
    /// The pattern on the device; uploaded on first use, evicted when the host has dropped it.
    pub(crate) fn pattern(&self, pattern: &Arc<Pattern>) -> Arc<DevicePattern> {
        let known = self.known().patterns.find(pattern);
        known.unwrap_or_else(|| {
            let device = Arc::new(DevicePattern {
                rows: pattern.rows(),
                cols: pattern.cols(),
                row_ptr: self.upload(pattern.row_ptr()),
                col_idx: self.upload(pattern.col_idx()),
                transposition: OnceLock::new(),
                levels: Default::default(),
            });
            let (device, unused) = self.known().patterns.keep(pattern, device);
            drop(unused);
            device
        })
    }

    /// An order of `rows` rows on the device; colours are uploaded on first use.
    pub(crate) fn order(&self, order: &Order, rows: usize) -> Arc<RankedOrder> {
        let Order::Colours(colouring) = order else {
            // Without ranks nothing is uploaded, so that sweeps in blocks can be captured.
            return Arc::new(RankedOrder { order: DeviceOrder::new(self, order), rank: self.undefined(0) });
        };
        let known = self.known().colours.find(colouring);
        known.unwrap_or_else(|| {
            let mut rank = vec![0; rows];
            for c in 0..colouring.count() {
                colouring.colour(c).iter().for_each(|&i| rank[i as usize] = c as u32);
            }
            let device = RankedOrder { order: DeviceOrder::new(self, order), rank: self.upload(&rank) };
            let (device, unused) = self.known().colours.keep(colouring, Arc::new(device));
            drop(unused);
            device
        })
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::super::judged::{Numbers, OnCard};
    use super::*;
    use crate::backend::Direction;

    #[test]
    fn patterns_are_uploaded_once_and_forgotten() {
        let cuda = Cuda::emulated(false);
        let pattern = |rows| Arc::new(Numbers(70).dominant::<f64>(rows, 2).pattern().as_ref().clone());
        let host = pattern(5);
        let device = cuda.pattern(&host);
        assert!(Arc::ptr_eq(&device, &cuda.pattern(&host)));
        drop(host);
        assert_eq!(Arc::strong_count(&device), 2);
        let other = cuda.pattern(&pattern(6));
        assert_eq!((Arc::strong_count(&device), other.rows), (1, 6));
    }

    /// Two threads that upload the same pattern share one copy.
    #[test]
    fn the_first_upload_is_kept() {
        let mut uploaded = Uploaded::default();
        let host = Arc::new(0);
        let (first, unused) = uploaded.keep(&host, Arc::new(1));
        assert_eq!((*first, unused.len()), (1, 0));
        let (second, unused) = uploaded.keep(&host, Arc::new(2));
        assert_eq!((*second, *unused[0]), (1, 2));
    }

    #[test]
    fn sweeps_in_any_order_are_captured() {
        let (n, k) = (50, 2);
        let mut r = Numbers(71);
        let a = r.dominant::<f64>(n, 3);
        let (b, x, inverse) = (r.vector::<f64>(n * k), r.vector::<f64>(n * k), r.vector::<f64>(n));
        for order in [Order::Blocks { rows: 7 }, Order::colours_of(a.pattern())] {
            let cuda = Cuda::emulated(false);
            let own = OnCard::new(&cuda, &a);
            let (b, inverse, start) = (cuda.upload(&b), cuda.upload(&inverse), cuda.upload(&x));
            let (mut x, mut scratch) = (cuda.undefined(n * k), cuda.undefined(n * k));
            let mut sweep = || {
                cuda.copy(&start, &mut x);
                let order = cuda.order(&order, n);
                let way = (&order.order, Direction::Forward);
                cuda.ordered_sweep(own.view(), &inverse, way, &b, &mut x, &mut scratch, k);
            };
            sweep();
            let captured = cuda.capture(sweep).unwrap();
            let expected = cuda.download(&x).unwrap();
            cuda.clear(&mut x);
            // SAFETY: the buffers are alive, and so is the order while it is cached or occupies no memory.
            unsafe { captured.run().unwrap() };
            assert_eq!(cuda.download(&x).unwrap(), expected, "{order:?}");
        }
    }

    #[test]
    fn a_capture_that_panics_is_ended() {
        let cuda = Cuda::emulated(false);
        let work = std::panic::AssertUnwindSafe(|| cuda.capture(|| panic!("in a capture")));
        assert!(std::panic::catch_unwind(work).is_err());
        assert_eq!(cuda.download(&cuda.upload(&[1.0, 2.0])).unwrap(), [1.0, 2.0]);
    }
}
