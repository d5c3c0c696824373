//! Shuts the process in before it reads its first byte: no files, one port, few system calls.
//!
//! What is allowed is what decoding one source takes: memory, time, threads of its own, the parent's socket, and for a
//! camera a connection. Everything else answers "not permitted", so that a library that tries something harmless goes on.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use crate::health::Confinement;

/// What a source needs beyond decoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The port that may be connected to, for a camera in the network.
    pub(crate) port: Option<u16>,
    /// Files that may be read: certificates.
    pub(crate) read: Vec<String>,
    /// Devices that may be opened and controlled.
    pub(crate) devices: Vec<String>,
}

/// Shuts this process in. What the kernel does not offer is left open, and said.
pub(crate) fn confine(needs: &Needs) -> Confinement {
    let (no_files, one_port) = landlock(needs).unwrap_or((false, false));
    let few_calls = seccomp(needs).is_ok();
    Confinement { no_files, one_port, few_calls, unswappable: false }
}

/// Whether files are out of reach, and whether ports are.
fn landlock(needs: &Needs) -> Result<(bool, bool), landlock::RulesetError> {
    let newest = ABI::V6;
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let ruleset = ruleset.handle_access(AccessFs::from_all(newest))?;
    let ruleset = ruleset.handle_access(AccessNet::from_all(newest))?;
    let mut ruleset = ruleset.scope(Scope::AbstractUnixSocket | Scope::Signal)?.create()?;
    if let Some(port) = needs.port {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    let devices = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir | AccessFs::IoctlDev;
    for (paths, rights) in [(&needs.read, AccessFs::ReadFile.into()), (&needs.devices, devices)] {
        for path in paths {
            // What is not there needs no rule.
            let Ok(file) = PathFd::new(path) else { continue };
            let of_a_file = AccessFs::from_file(newest);
            let folder = std::path::Path::new(path).is_dir();
            let rights = if folder { rights } else { rights & of_a_file };
            ruleset = ruleset.add_rule(PathBeneath::new(file, rights))?;
        }
    }
    let held = ruleset.restrict_self()?.ruleset;
    Ok((held != RulesetStatus::NotEnforced, held == RulesetStatus::FullyEnforced))
}

/// Threads of this process share its memory and files; anything else is a new process.
const THREAD_FLAGS: u64 = (libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_THREAD | libc::CLONE_SIGHAND) as u64;

fn seccomp(needs: &Needs) -> Result<(), Box<dyn std::error::Error>> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = always().into_iter().map(|call| (call, Vec::new())).collect();
    let only = |index, op, value| -> Result<SeccompRule, seccompiler::BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(index, SeccompCmpArgLen::Dword, op, value)?])
    };
    rules.insert(
        libc::SYS_clone,
        vec![SeccompRule::new(vec![SeccompCondition::new(
            0,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(THREAD_FLAGS),
            THREAD_FLAGS,
        )?])?],
    );
    // No memory becomes code.
    let execute = libc::PROT_EXEC as u64;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![only(2, SeccompCmpOp::MaskedEq(execute), 0)?]);
    }
    if needs.port.is_some() {
        rules.extend(networking().into_iter().map(|call| (call, Vec::new())));
        let families = [libc::AF_INET, libc::AF_INET6].map(|family| only(0, SeccompCmpOp::Eq, family as u64));
        rules.insert(libc::SYS_socket, families.into_iter().collect::<Result<_, _>>()?);
    }
    if !needs.read.is_empty() || !needs.devices.is_empty() {
        rules.extend([(libc::SYS_openat, Vec::new()), (libc::SYS_newfstatat, Vec::new())]);
    }
    if !needs.devices.is_empty() {
        rules.insert(libc::SYS_ioctl, Vec::new());
    }
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch)?;
    // Its flags lie in memory that a filter can not read; with this answer the C library uses `clone` instead.
    let unknown = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let absent = SeccompAction::Errno(libc::ENOSYS as u32);
    let no_clone3 = SeccompFilter::new(unknown, SeccompAction::Allow, absent, arch)?;
    let (no_clone3, filter): (BpfProgram, BpfProgram) = (no_clone3.try_into()?, filter.try_into()?);
    seccompiler::apply_filter_all_threads(&no_clone3)?;
    // The first filter must still let the second be put in place, so the second is the narrow one; `seccomp` itself is
    // not in it.
    seccompiler::apply_filter_all_threads(&filter)?;
    Ok(())
}

/// What every decoder does: memory, time, its own threads, the parent's socket.
fn always() -> Vec<i64> {
    let mut calls = vec![
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_close,
        libc::SYS_ppoll,
        libc::SYS_lseek,
        libc::SYS_fstat,
        libc::SYS_fcntl,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_membarrier,
        libc::SYS_rseq,
        libc::SYS_set_robust_list,
        libc::SYS_clone3,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_getrandom,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    #[cfg(target_arch = "x86_64")]
    calls.push(libc::SYS_poll);
    calls
}

/// What a connection to a camera takes.
fn networking() -> [i64; 8] {
    [
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_getsockname,
        libc::SYS_getpeername,
        libc::SYS_setsockopt,
        libc::SYS_getsockopt,
        libc::SYS_shutdown,
        libc::SYS_recvmmsg,
    ]
}
