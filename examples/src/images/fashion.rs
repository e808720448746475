//! Fashion-MNIST.

use std::path::{Path, PathBuf};

use super::DataError;
use super::idx::Idx;
use crate::capped::capped;

/// Where Debian's package puts the files.
const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";
const FOLDER: &str = "fashion-mnist";
const SIDE: usize = 28;
const CLASSES: usize = 10;
const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
const GET: &str = "\
apt-get install dataset-fashion-mnist (Debian), or the four files named in
https://github.com/zalandoresearch/fashion-mnist#get-the-data";

/// Grey images and their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// Pixels of 0 to 1, row by row, `side * side` an image.
    pub pixels: Vec<f32>,
    /// Classes 0 to 9, one an image.
    pub labels: Vec<usize>,
    /// Rows and columns of an image: 28.
    pub side: usize,
}

impl Images {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images of these indices, in their order; indices without an image are left out.
    pub fn choose(&self, indices: &[usize]) -> Self {
        let size = self.side * self.side;
        let mut chosen = Self {
            pixels: Vec::with_capacity(indices.len().saturating_mul(size)),
            labels: Vec::with_capacity(indices.len()),
            side: self.side,
        };
        for &index in indices.iter().filter(|&&index| index < self.len()) {
            chosen.labels.push(self.labels[index]);
            let pixels = self.pixels.iter().skip(index * size).take(size);
            chosen.pixels.extend(pixels);
        }
        chosen
    }

    /// At most `cap` of them, as [`capped`] chooses.
    pub fn capped(self, cap: usize, seed: u64) -> Self {
        if cap == 0 || cap >= self.len() {
            return self;
        }
        self.choose(&capped((0..self.len()).collect(), cap, seed))
    }
}

/// The images to train on and those to test on, from `dir`, `dir/fashion-mnist` or Debian's place
/// for them, whichever has the training images first. Files may be gzipped.
///
/// # Errors
///
/// For missing files, one that says how to get them; for others than Fashion-MNIST's, the file
/// and what is wrong with it.
pub fn load(dir: &Path) -> Result<(Images, Images), DataError> {
    load_from(&[dir.to_owned(), dir.join(FOLDER), DEBIAN.into()])
}

fn load_from(dirs: &[PathBuf]) -> Result<(Images, Images), DataError> {
    let has_images = |dir: &&PathBuf| find(dir, TRAIN[0]).is_ok();
    let dir = dirs.iter().find(has_images).or(dirs.first());
    let dir = dir.map_or(Path::new("."), PathBuf::as_path);
    let [train, train_labels] = TRAIN.map(|name| find(dir, name));
    let [test, test_labels] = TEST.map(|name| find(dir, name));
    let (train, train_labels, test, test_labels) = (train?, train_labels?, test?, test_labels?);
    Ok((read(&train, &train_labels)?, read(&test, &test_labels)?))
}

/// The file of that name, gzipped or not.
fn find(dir: &Path, name: &str) -> Result<PathBuf, DataError> {
    let gzipped = dir.join(format!("{name}.gz"));
    let plain = dir.join(name);
    match (gzipped.is_file(), plain.is_file()) {
        (true, _) => Ok(gzipped),
        (false, true) => Ok(plain),
        (false, false) => Err(DataError::Missing {
            path: gzipped,
            folder: FOLDER,
            get: GET,
        }),
    }
}

fn read(images: &Path, labels: &Path) -> Result<Images, DataError> {
    let Idx { shape, bytes } = Idx::<3>::read(images)?;
    let [count, rows, columns] = shape;
    if (rows, columns) != (SIDE, SIDE) {
        return Err(DataError::Side {
            path: images.to_owned(),
            rows,
            columns,
            side: SIDE,
        });
    }
    if count == 0 {
        return Err(DataError::Empty {
            path: images.to_owned(),
        });
    }
    let classes = Idx::<1>::read(labels)?.bytes;
    if classes.len() != count {
        return Err(DataError::Count {
            path: labels.to_owned(),
            images: count,
            labels: classes.len(),
        });
    }
    let classes: Vec<usize> = classes.into_iter().map(usize::from).collect();
    if let Some(index) = classes.iter().position(|class| *class >= CLASSES) {
        return Err(DataError::Class {
            path: labels.to_owned(),
            index,
            found: classes[index],
            classes: CLASSES,
        });
    }
    Ok(Images {
        pixels: bytes
            .iter()
            .map(|pixel| f32::from(*pixel) / 255.0)
            .collect(),
        labels: classes,
        side: SIDE,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn images(count: u8, side: u8) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, side, 0, 0, 0, side];
        for image in 0..count {
            bytes.extend(vec![255 - image; usize::from(side) * usize::from(side)]);
        }
        bytes
    }

    fn labels(labels: &[u8]) -> Vec<u8> {
        [&[0, 0, 8, 1, 0, 0, 0, labels.len() as u8], labels].concat()
    }

    /// Loads two training images and a test image, with one file replaced.
    fn loaded(replaced: (&str, Vec<u8>)) -> Result<(Images, Images), DataError> {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
        write(TRAIN[0], &images(2, 28));
        write(TRAIN[1], &labels(&[9, 0]));
        write(TEST[0], &images(1, 28));
        write(TEST[1], &labels(&[3]));
        write(replaced.0, &replaced.1);
        load_from(&[dir.path().to_owned()])
    }

    fn refused(replaced: (&str, Vec<u8>), expected: &str) {
        let name = replaced.0;
        let error = loaded(replaced).expect_err("refused").to_string();
        assert!(error.contains(name) && error.contains(expected), "{error}");
    }

    #[test]
    fn plain_and_gzipped_files_are_read() -> Result<(), DataError> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&images(1, 28)).unwrap();
        let (train, test) = loaded(("t10k-images-idx3-ubyte.gz", packed.finish().unwrap()))?;
        assert_eq!(
            (train.len(), train.side, &train.labels[..]),
            (2, 28, &[9, 0][..])
        );
        assert_eq!(train.pixels[..784], [1.0; 784]);
        assert_eq!(train.pixels[784..], [254.0 / 255.0; 784]);
        assert_eq!((test.pixels.len(), test.labels), (784, vec![3]));
        Ok(())
    }

    #[test]
    fn some_images_are_chosen_with_their_labels() -> Result<(), DataError> {
        let (train, _) = loaded((TRAIN[1], labels(&[4, 5])))?;
        let chosen = train.choose(&[1, 7, 0]);
        assert_eq!((chosen.len(), &chosen.labels[..]), (2, &[5, 4][..]));
        assert_eq!((chosen.pixels[0], chosen.pixels[784]), (254.0 / 255.0, 1.0));
        assert_eq!(train.clone().capped(0, 1), train);
        assert_eq!(train.clone().capped(1, 1).pixels.len(), 784);
        Ok(())
    }

    #[test]
    fn wrong_files_are_refused_with_their_reason() {
        refused((TRAIN[0], images(2, 8)), "8x8 pixels, but should be 28x28");
        refused((TRAIN[1], labels(&[1])), "1 labels of 2 images");
        refused(
            (TRAIN[1], labels(&[1, 10])),
            "label 1 is 10, but should be less than 10",
        );
        refused((TEST[0], images(0, 28)), "holds no examples");
        refused((TEST[1], images(1, 28)), "magic number");
        refused(("train-images-idx3-ubyte.gz", vec![1, 2, 3]), "gz: ");
    }

    #[test]
    fn missing_files_are_named_with_the_way_to_get_them() {
        let dir = tempfile::tempdir().unwrap();
        let missing = || {
            load_from(&[dir.path().to_owned()])
                .expect_err("missing")
                .to_string()
        };
        let error = missing();
        assert!(error.contains("train-images-idx3-ubyte.gz"), "{error}");
        assert!(
            error.contains("apt-get install dataset-fashion-mnist"),
            "{error}"
        );
        fs::write(dir.path().join(TRAIN[0]), images(1, 28)).unwrap();
        assert!(missing().contains("train-labels-idx1-ubyte.gz"));
    }
}
