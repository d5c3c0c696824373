//! A copy that may be kept for years: database and public files, and no key. It brings nothing back that was purged.
//!
//! Whatever is about a person lies in it sealed with a key that never leaves `keys/`. A purge destroys that key, and with
//! it the same rows in every copy. To restore is to put the copy's files beside the keys of the machine; a database that
//! is older than the log published from it is refused (`StoreError::OlderCopy`), because its entries could not be told
//! from a second history.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use crate::directory::{self, DATABASE, DATABASE_UNFINISHED, DataDirectory};
use crate::error::{Doing as _, DoingWith as _, StoreError};
use crate::log::entry_count;
use crate::store::Store;

impl Store {
    /// Writes a copy of the database and of all that is public into an empty folder, made if missing, and returns the
    /// number of entries in it. It holds no key and no deleted row. Cut short, it lacks the database's final name.
    pub fn backup(&self, to: &Path) -> Result<u64, StoreError> {
        DirBuilder::new().recursive(true).mode(0o700).create(to).doing_with("making the folder", to)?;
        if fs::read_dir(to).doing_with("listing", to)?.next().is_some() {
            return Err(StoreError::NotEmpty { directory: to.to_owned() });
        }
        let unfinished = to.join(DATABASE_UNFINISHED);
        directory::touch_private(&unfinished).doing_with("opening", &unfinished)?;
        // Unlike a copy of the file this takes live rows only: no freed page, no write-ahead log.
        self.connection.execute("VACUUM INTO ?1", [unfinished.to_string_lossy()]).doing("copying the database")?;
        File::open(&unfinished).and_then(|file| file.sync_all()).doing_with("writing", &unfinished)?;
        copy_public(self.directory.public(), &to.join("public"))?;
        let finished = to.join(DATABASE);
        directory::rename(&unfinished, &finished).doing_with("naming the copy", &finished)?;
        entry_count(&self.connection)
    }

    /// Puts a copy that [`Store::backup`] wrote where the database is missing, beside the keys that are there, and opens it
    /// once. Returns the number of entries in it. Of what is public only what is missing is copied: a published log that
    /// went on after the copy was made stays, and tells that the copy is older ([`StoreError::OlderCopy`]); then the copy
    /// is taken out again.
    pub fn restore(dir: &Path, copy: &Path) -> Result<u64, StoreError> {
        if !copy.join(DATABASE).is_file() {
            return Err(StoreError::NotAStore { directory: copy.to_owned() });
        }
        let database = dir.join(DATABASE);
        {
            let directory = DataDirectory::make(dir)?;
            if database.exists() {
                return Err(StoreError::ExistsAlready { directory: dir.to_owned() });
            }
            let unfinished = dir.join(DATABASE_UNFINISHED);
            for stale in ["overt.db-wal", "overt.db-shm", DATABASE_UNFINISHED].map(|name| dir.join(name)) {
                directory::remove(&stale).doing_with("removing what belongs to no database", &stale)?;
            }
            directory::touch_private(&unfinished).doing_with("opening", &unfinished)?;
            fs::copy(copy.join(DATABASE), &unfinished).doing_with("copying", &copy.join(DATABASE))?;
            File::open(&unfinished).and_then(|file| file.sync_all()).doing_with("writing", &unfinished)?;
            copy_missing(&copy.join("public"), directory.public())?;
            directory::rename(&unfinished, &database).doing_with("naming the database", &database)?;
        }
        let opened = Self::open(dir).and_then(|store| entry_count(&store.connection));
        if opened.is_err() {
            for name in [DATABASE, "overt.db-wal", "overt.db-shm"].map(|name| dir.join(name)) {
                directory::remove(&name).doing_with("taking the copy out again", &name)?;
            }
        }
        opened
    }

    /// Destroys the key of every deployment in a data directory that cannot be opened any more (an older copy, a damaged
    /// database), so that nothing sealed in it, or in any copy of it, opens again. The key of the log stays: what was
    /// published can still be vouched for. Returns the names of the destroyed files.
    pub fn destroy_keys(dir: &Path) -> Result<Vec<String>, StoreError> {
        if !dir.join("keys").is_dir() {
            return Err(StoreError::NotAStore { directory: dir.to_owned() });
        }
        // Not opened as a store: whatever is wrong with the database must not keep the keys alive.
        let directory = DataDirectory::make(dir)?;
        let mut destroyed = Vec::new();
        for file in fs::read_dir(directory.keys()).doing_with("listing the keys", directory.keys())? {
            let file = file.doing_with("listing the keys", directory.keys())?;
            let name = file.file_name().to_string_lossy().into_owned();
            if name != "log.key" {
                directory::destroy(&file.path()).doing_with("destroying a key", &file.path())?;
                destroyed.push(name);
            }
        }
        destroyed.sort();
        Ok(destroyed)
    }
}

/// Copies what anyone may read, file by file.
fn copy_public(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::create_dir(to).doing_with("making the folder", to)?;
    for file in fs::read_dir(from).doing_with("listing", from)? {
        let file = file.doing_with("listing", from)?;
        let (path, copy) = (file.path(), to.join(file.file_name()));
        if file.file_type().doing_with("reading", &path)?.is_dir() {
            copy_public(&path, &copy)?;
        } else {
            fs::copy(&path, &copy).doing_with("copying", &path)?;
            File::open(&copy).and_then(|copy| copy.sync_all()).doing_with("writing", &copy)?;
        }
    }
    directory::sync_folder(to).doing_with("writing the folder", to)
}

/// Copies what anyone may read and is not there yet.
fn copy_missing(from: &Path, to: &Path) -> Result<(), StoreError> {
    for file in fs::read_dir(from).doing_with("listing", from)? {
        let file = file.doing_with("listing", from)?;
        let (path, copy) = (file.path(), to.join(file.file_name()));
        match (file.file_type().doing_with("reading", &path)?.is_dir(), copy.exists()) {
            (true, true) => copy_missing(&path, &copy)?,
            (true, false) => copy_public(&path, &copy)?,
            (false, true) => {}
            (false, false) => {
                fs::copy(&path, &copy).doing_with("copying", &path)?;
                File::open(&copy).and_then(|copy| copy.sync_all()).doing_with("writing", &copy)?;
            }
        }
    }
    directory::sync_folder(to).doing_with("writing the folder", to)
}

#[cfg(test)]
mod tests {
    use domain::Role;

    use super::*;
    use crate::scenes::{LIVE_IMAGE, Scene, copy_folder, files_holding, officer, sealed_bytes};

    /// An exercise that has ended and is published, and a backup of it.
    fn backed_up(scene: &mut Scene) -> (tempfile::TempDir, domain::AlertId) {
        scene.operation();
        let alert = scene.ended("kx-1");
        let now = scene.tick();
        scene.store().publish(now).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let entries = scene.store().entries(None).unwrap().len() as u64;
        assert_eq!(scene.store().backup(&folder.path().join("copy")).unwrap(), entries);
        (folder, alert)
    }

    /// Puts a backup in the place of the database and of what is public, as an administrator would.
    fn restore(scene: &mut Scene, backup: &Path) {
        scene.close();
        for name in ["overt.db", "overt.db-wal", "overt.db-shm"] {
            let _ = fs::remove_file(scene.dir().join(name));
        }
        fs::copy(backup.join("overt.db"), scene.dir().join("overt.db")).unwrap();
        copy_folder(&backup.join("public"), &scene.dir().join("public"));
    }

    #[test]
    fn a_backup_holds_no_key_and_opens_only_beside_those_of_the_machine() {
        let mut scene = Scene::new();
        let (folder, alert) = backed_up(&mut scene);
        let copy = folder.path().join("copy");
        let key = sealed_bytes(&mut scene).remove(0);
        assert_eq!(files_holding(&scene.dir(), &key), 1);
        assert_eq!(files_holding(&copy, &key), 0);
        assert!(!copy.join("keys").exists());
        assert!(matches!(Store::open(&copy), Err(StoreError::KeyMissing { .. })));
        assert!(matches!(scene.store().backup(&copy), Err(StoreError::NotEmpty { .. })));
        restore(&mut scene, &copy);
        scene.reopen();
        assert_eq!(scene.store().check().unwrap(), vec![]);
        let now = scene.tick();
        let opened = scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
        assert_eq!(opened.live_png.as_slice(), LIVE_IMAGE);
    }

    #[test]
    fn a_backup_from_before_a_purge_that_was_published_is_refused_and_nothing_of_it_opens() {
        let mut scene = Scene::new();
        let (folder, _) = backed_up(&mut scene);
        scene.purged();
        let now = scene.tick();
        let published = scene.store().publish(now).unwrap().size;
        let checkpoint = fs::read(scene.dir().join("public/checkpoint")).unwrap();
        restore(&mut scene, &folder.path().join("copy"));
        // Whoever puts back the database alone, or both but for the newest checkpoint, is told.
        fs::write(scene.dir().join("public/checkpoint"), checkpoint).unwrap();
        let error = Store::open(&scene.dir()).err().unwrap();
        assert!(matches!(error, StoreError::OlderCopy { published: p, .. } if p == published), "{error}");
        assert!(error.to_string().contains("destroy the keys"), "{error}");
        let left = Store::destroy_keys(&scene.dir()).unwrap();
        assert_eq!(left, ["commitments-kx-1.key", "suppression-links.key"], "the purge had destroyed the others");
    }

    #[test]
    fn a_backup_from_before_a_purge_that_was_not_published_opens_without_what_was_purged() {
        let mut scene = Scene::new();
        let (folder, alert) = backed_up(&mut scene);
        scene.purged();
        restore(&mut scene, &folder.path().join("copy"));
        scene.reopen();
        let now = scene.tick();
        let viewed = scene.store().view_evidence(&alert, &officer(Role::Operator), now);
        assert!(matches!(viewed, Err(StoreError::KeyMissing { .. })));
        let told = scene.store().check().unwrap();
        assert!(told.iter().any(|finding| finding.found.contains("it is missing")), "{told:?}");
        scene.purged();
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    fn without_database(scene: &mut Scene) {
        scene.close();
        for name in ["overt.db", "overt.db-wal", "overt.db-shm"] {
            let _ = fs::remove_file(scene.dir().join(name));
        }
    }

    #[test]
    fn a_copy_is_put_where_the_database_is_missing_and_an_older_one_is_taken_out_again() {
        let mut scene = Scene::new();
        let (folder, alert) = backed_up(&mut scene);
        let copy = folder.path().join("copy");
        scene.close();
        assert!(matches!(Store::restore(&scene.dir(), &copy), Err(StoreError::ExistsAlready { .. })));
        assert!(matches!(Store::restore(&scene.dir(), folder.path()), Err(StoreError::NotAStore { .. })));
        without_database(&mut scene);
        fs::remove_dir_all(scene.dir().join("public/notices")).unwrap();
        let entries = Store::restore(&scene.dir(), &copy).unwrap();
        scene.reopen();
        assert_eq!(scene.store().entries(None).unwrap().len() as u64, entries);
        assert_eq!(scene.store().check().unwrap(), vec![]);
        let now = scene.tick();
        scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
        let now = scene.tick();
        scene.store().publish(now).unwrap();
        scene.purged();
        let now = scene.tick();
        scene.store().publish(now).unwrap();
        without_database(&mut scene);
        assert!(matches!(Store::restore(&scene.dir(), &copy), Err(StoreError::OlderCopy { .. })));
        assert!(!scene.dir().join("overt.db").exists(), "nothing is left of it");
    }

    const ALL_KEYS: [&str; 3] = ["commitments-kx-1.key", "deployment-kx-1.key", "suppression-links.key"];

    #[test]
    fn the_keys_of_a_directory_that_cannot_be_opened_can_be_destroyed() {
        let mut scene = Scene::new();
        backed_up(&mut scene);
        let key = sealed_bytes(&mut scene).remove(0);
        assert!(matches!(Store::destroy_keys(&scene.dir()), Err(StoreError::Locked { .. })));
        scene.close();
        fs::write(scene.dir().join("overt.db"), "no database").unwrap();
        assert!(matches!(Store::open(&scene.dir()), Err(StoreError::Damaged { .. })));
        assert_eq!(Store::destroy_keys(&scene.dir()).unwrap(), ALL_KEYS);
        assert_eq!(files_holding(&scene.dir(), &key), 0);
        assert!(scene.dir().join("keys/log.key").exists());
    }
}
