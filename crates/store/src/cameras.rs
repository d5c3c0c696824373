//! The cameras of a live deployment: declared with a commitment to their address, whose salt is kept and whose address is not.

use std::borrow::Cow;

use domain::{Announced, CameraTerms, DeploymentId, Officer, Zone};
use evidence::commitment;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use crate::deployments::refuse_above;
use crate::error::{Doing as _, StoreError};
use crate::policy_file::hexadecimal;
use crate::recorded::Recorded;
use crate::sealing::fresh_salt;
use crate::store::Store;

/// Most bytes of a camera's address.
pub const CAMERA_ADDRESS_BYTES_MAX: usize = 2048;

/// A camera to be declared.
#[derive(Clone, Debug)]
pub struct NewCamera<'a> {
    /// What it is called, on the record and on every screen.
    pub name: &'a str,
    /// Where it is, such as `rtsp://192.0.2.1/1`. What signs in (`name:password@`) is no part of it and is not committed to,
    /// so that a password may change.
    pub address: &'a str,
    /// Where in its view faces are compared.
    pub zone: Zone,
    /// Least side of a face, in pixels, that is compared at this camera; nothing where it is the policy's.
    pub face_side_px_min: Option<u32>,
}

impl Store {
    /// Declares a camera of a live deployment. The record gets a salted commitment to its address; the salt is kept here.
    pub fn declare_camera(
        &mut self,
        announced: &Recorded<Announced>,
        officer: &Officer,
        camera: NewCamera<'_>,
        now: Timestamp,
    ) -> Result<Recorded<Announced>, StoreError> {
        refuse_above("a camera's address", camera.address.len(), CAMERA_ADDRESS_BYTES_MAX, "bytes")?;
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?.into_inner();
        let NewCamera { name, address, zone, face_side_px_min } = camera;
        let salt = hexadecimal(&fresh_salt()?);
        let source_commitment = commitment::camera(d.as_str(), name, &salt, &address_without_sign_in(address));
        let terms = CameraTerms { name: name.to_owned(), source_commitment, zone, face_side_px_min };
        let decided = announced.declare_camera(officer, terms, &self.policy_in_force()?, now)?;
        self.record(decided, |transaction, entry| {
            transaction
                .execute(
                    "INSERT INTO camera_salts (deployment, camera, entry, salt) VALUES (?1, ?2, ?3, ?4)",
                    params![d.as_str(), name, entry, salt],
                )
                .doing("keeping the salt of a camera's address")
                .map(drop)
        })
    }

    /// The commitment that this address has as that camera of this deployment; nothing where no such camera was declared.
    /// A camera may be opened if [`domain::Live::declares_camera`] knows it.
    pub fn camera_commitment(
        &self,
        d: &DeploymentId,
        camera: &str,
        address: &str,
    ) -> Result<Option<String>, StoreError> {
        let salt = self.camera_salt(d, camera)?;
        Ok(salt.map(|salt| commitment::camera(d.as_str(), camera, &salt, &address_without_sign_in(address))))
    }

    /// What the commitment to a camera's address is salted with: for an inspector who is shown the address.
    pub fn camera_salt(&self, d: &DeploymentId, camera: &str) -> Result<Option<String>, StoreError> {
        let doing = "reading the salt of a camera's address";
        let sql = "SELECT salt FROM camera_salts WHERE deployment = ?1 AND camera = ?2";
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        statement.query_row([d.as_str(), camera], |row| row.get(0)).optional().doing(doing)
    }
}

/// The address without what signs in to it: what stands before the last `@` of its host, and may not be in a digest that
/// outlives the password.
pub fn address_without_sign_in(address: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else { return Cow::Borrowed(address) };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..host_end].rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{}", &rest[at + 1..])),
        None => Cow::Borrowed(address),
    }
}

#[cfg(test)]
mod tests {
    use domain::{Deployment, Draft, Kind, Plan, Role, SourceRefusal};
    use evidence::Fact;

    use super::*;
    use crate::scenes::{Scene, exercise_policy, files_holding, officer};

    const ADDRESS: &str = "rtsp://192.0.2.7:554/stream/1";

    fn camera<'a>(name: &'a str, address: &'a str) -> NewCamera<'a> {
        let zone = "0,400 1000,400 1000,1000 0,1000".parse().unwrap();
        NewCamera { name, address, zone, face_side_px_min: None }
    }

    /// A live deployment of one camera, announced under a profile that allows cameras.
    fn announced(scene: &mut Scene) -> Recorded<Announced> {
        scene.operation();
        let by = officer(Role::AuthorisingOfficer);
        let profile = exercise_policy().replacen("value = [\"recording\"]", "value = [\"recording\", \"camera\"]", 1);
        let now = scene.tick();
        let policy = scene.store().adopt_policy(&profile, &by, now).unwrap().into_inner();
        scene.turn_to("kx-1");
        let now = scene.tick();
        let plan = Plan { kind: Kind::Live, ..scene.plan(now) };
        let proposed = Draft { plan }.propose(&officer(Role::Proposer), &policy, now).unwrap();
        let proposed = scene.store().commit(proposed).unwrap().into_inner();
        let now = scene.tick();
        let approved = proposed.approve(&by, &policy, now).unwrap();
        let approved = scene.store().commit(approved).unwrap();
        let now = scene.tick();
        scene.store().publish_notice(approved, &by, "Notice.\n", now).unwrap()
    }

    #[test]
    fn an_address_is_committed_to_and_neither_published_nor_kept() {
        let mut scene = Scene::new();
        let announced = announced(&mut scene);
        let (by, now) = (officer(Role::Operator), scene.tick());
        let with_password = "rtsp://operator:p%40ss@192.0.2.7:554/stream/1";
        let declared = scene.store().declare_camera(&announced, &by, camera("gate", with_password), now).unwrap();
        assert_eq!(*scene.deployment(), Deployment::Announced(declared.into_inner()));
        let (d, now) = (scene.d(), scene.tick());
        scene.store().publish(now).unwrap();
        let entries = scene.store().entries(Some(&d)).unwrap();
        let Some(Fact::CameraDeclared(told)) = entries.last().map(|(_, entry)| entry.fact.clone()) else {
            panic!("it is on the record")
        };
        let mut committed = |address| scene.store().camera_commitment(&d, "gate", address).unwrap().unwrap();
        assert_eq!(committed(ADDRESS), told.source_commitment);
        assert_eq!(committed(with_password), told.source_commitment, "however one signs in");
        assert_ne!(committed("rtsp://192.0.2.8:554/stream/1"), told.source_commitment);
        let salt = scene.store().camera_salt(&d, "gate").unwrap().unwrap();
        assert_eq!(told.source_commitment, commitment::camera("kx-1", "gate", &salt, ADDRESS));
        assert_eq!(scene.store().camera_commitment(&d, "stairs", ADDRESS).unwrap(), None);
        assert_eq!(files_holding(&scene.dir(), b"192.0.2.7"), 0, "the address is in no file");
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn a_camera_goes_by_its_own_door_and_its_salt_is_missed() {
        let mut scene = Scene::new();
        let announced = announced(&mut scene);
        let (by, now, d) = (officer(Role::Operator), scene.tick(), scene.d());
        let policy = scene.store().policy().unwrap().unwrap();
        let terms = CameraTerms {
            name: "gate".into(),
            source_commitment: "ab".repeat(32),
            zone: Zone::whole_view(),
            face_side_px_min: None,
        };
        let decided = (*announced).clone().declare_camera(&by, terms, &policy, now).unwrap();
        let error = scene.store().commit(decided).unwrap_err().to_string();
        assert!(error.contains("use `declare_camera`"), "{error}");
        let again = scene.store().declare_camera(&announced, &by, camera("gate", ADDRESS), now).unwrap();
        let now = scene.tick();
        let error = scene.store().declare_camera(&again, &by, camera("gate", ADDRESS), now).unwrap_err();
        let refused = SourceRefusal::CameraDeclaredAlready { camera: "gate".into() };
        assert_eq!(error.to_string(), domain::Refusal::from(refused).to_string());
        let long = "x".repeat(CAMERA_ADDRESS_BYTES_MAX + 1);
        assert!(scene.store().declare_camera(&again, &by, camera("lift", &long), now).is_err());
        scene.store().connection.execute("DELETE FROM camera_salts", []).unwrap();
        let found = scene.store().check().unwrap();
        assert!(found[0].found.contains("the salt of the address of camera gate is missing"), "{found:?}");
        assert_eq!(scene.store().camera_salt(&d, "gate").unwrap(), None);
    }

    #[test]
    fn what_signs_in_is_cut_off_and_nothing_else() {
        for (address, without) in [
            (ADDRESS, ADDRESS),
            ("rtsp://user@host/1", "rtsp://host/1"),
            ("rtsp://user:p@ss@host:554/1", "rtsp://host:554/1"),
            ("http://host/a@b?c@d", "http://host/a@b?c@d"),
            ("http://user:pw@host?q=a@b", "http://host?q=a@b"),
            ("/dev/video0", "/dev/video0"),
        ] {
            assert_eq!(address_without_sign_in(address), without);
        }
    }
}
