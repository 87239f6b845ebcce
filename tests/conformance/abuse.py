"""What a hostile function tries, and the wall that stops it: one table, which is also the function that tries it.

Each attempt would do no harm if its wall were missing: signal 0 instead of a kill, arguments that the kernel refuses after the
wall, read-only opens, small counts, and no address beyond the environment's own network. An attempt returns what it saw when the
wall held, and raises Escaped when it did not. `event["host"]` tells what exists on the host, so that a miss is a miss."""

import ctypes
import errno
import mmap
import os
import platform
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

TABLE = {}  # name -> (wall, attempt)


class Escaped(Exception):
    pass


def attempt(wall):
    def note(function):
        TABLE[function.__name__] = (wall, function)
        return function
    return note


def handler(event, context):
    wall, function = TABLE[event["attempt"]]
    try:
        return {"held": str(function(event["host"])), "wall": wall}
    except Escaped as escaped:
        return {"escaped": str(escaped), "wall": wall}


libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_void_p
# x86-64 numbers.
NUMBERS = dict(
    clone=56, ptrace=101, syslog=103, pivot_root=155, adjtimex=159, chroot=161, settimeofday=164, mount=165, umount2=166, swapon=167,
    reboot=169, sethostname=170, setdomainname=171, iopl=172, ioperm=173, init_module=175, delete_module=176, quotactl=179,
    acct=163, modify_ldt=154, uselib=134, clock_settime=227, kexec_load=246, add_key=248, request_key=249, keyctl=250,
    migrate_pages=256, unshare=272, move_pages=279, perf_event_open=298, fanotify_init=300, name_to_handle_at=303,
    open_by_handle_at=304, clock_adjtime=305, setns=308, process_vm_readv=310, process_vm_writev=311, kcmp=312, finit_module=313,
    kexec_file_load=320, bpf=321, userfaultfd=323, io_uring_setup=425, open_tree=428, move_mount=429, fsopen=430, clone3=435,
    pidfd_open=434, pidfd_getfd=438, mount_setattr=442, memfd_secret=447, mknodat=259, personality=135, lookup_dcookie=212,
    vhangup=153, set_mempolicy=238, pidfd_send_signal=424, statmount=457, listmount=458, fsconfig=431, fsmount=432, fspick=433,
    process_madvise=440, quotactl_fd=443, set_mempolicy_home_node=450, map_shadow_stack=453, lsm_set_self_attr=460, open_tree_attr=467,
    io_uring_enter=426, io_uring_register=427, sync=162, syncfs=306, timer_create=222, timer_delete=226)


def syscall(name, *arguments):
    """(result, name of the error or None)"""
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(NUMBERS[name]), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    return result, errno.errorcode.get(ctypes.get_errno()) if result < 0 else None


def filtered(name, *arguments, code="EPERM"):
    """The arguments are such that the kernel answers something else where the filter lets the call through."""
    result, error = syscall(name, *arguments)
    if error != code:
        raise Escaped(f"{name} answered {error or result}")
    return f"{name}: {error}"


def refused(action, *codes):
    """The action fails with one of the errors."""
    try:
        result = action()
    except OSError as error:
        name = errno.errorcode.get(error.errno, str(error.errno))
        if name not in codes:
            raise Escaped(f"failed with {name}, not with {' or '.join(codes)}")
        return name
    raise Escaped(f"it worked: {result!r}")


def in_child(action):
    """The wait status of a forked child that runs the action."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def opened(path, flags=os.O_RDONLY):
    return lambda: os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)) or path


def missing_or_closed(*paths, flags=os.O_RDONLY):
    return {path: refused(opened(path, flags), "ENOENT", "EACCES", "EROFS", "ENOTDIR", "ENXIO", "EPERM") for path in paths}


def mount_table():
    return "".join(open(f"/proc/self/{name}").read() for name in ("mountinfo", "mounts", "mountstats"))


# --- namespaces, mounts, roots -----------------------------------------------------------------------------------------------

@attempt("system call filter; max_user_namespaces = 0 in the slot")
def unshare_user_namespace(host):
    return filtered("unshare", 0x10000000)


@attempt("system call filter")
def unshare_every_other_namespace(host):
    return [filtered("unshare", flag) for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000, 0x80)]


@attempt("system call filter")
def setns_into_any_namespace(host):
    return filtered("setns", -1, 0)


@attempt("system call filter, on the flags of clone")
def clone_with_namespaces(host):
    seen = []
    for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000):
        result, error = syscall("clone", flag | signal.SIGCHLD, 0, 0, 0, 0)
        if result == 0:
            os._exit(0)
        if error != "EPERM":
            raise Escaped(f"clone with {flag:#x} answered {error or result}")
        seen.append(error)
    return seen


@attempt("system call filter: clone3 is unknown here, so that libc takes clone")
def clone3_with_namespaces(host):
    return filtered("clone3", 0, 0, code="ENOSYS")


@attempt("max_*_namespaces = 0, where the filter would ever fail")
def namespace_counts(host):
    kinds = [name for name in os.listdir("/proc/sys/user") if name.endswith("_namespaces")]
    counts = {kind: int(open(f"/proc/sys/user/{kind}").read()) for kind in kinds}
    if not counts or any(counts.values()):
        raise Escaped(counts)
    return f"{len(counts)} kinds, none to be had"


@attempt("its own user, mount, network, ipc, uts, pid and control group namespaces")
def share_a_namespace_with_the_host(host):
    same = [kind for kind, link in host["namespaces"].items() if os.readlink(f"/proc/self/ns/{kind}") == link]
    if same:
        raise Escaped(f"shared: {same}")
    return "none is shared"


@attempt("system call filter")
def mount_a_file_system(host):
    return filtered("mount", b"x", b"/nonexistent", b"tmpfs", 0, 0)


@attempt("system call filter")
def mount_with_the_newer_calls(host):
    return [filtered("fsopen", b"no-such-type", 0), filtered("open_tree", -1, b"x", 0), filtered("move_mount", -1, b"x", -1, b"x", 0),
            filtered("mount_setattr", -1, b"x", 0, 0, 0), filtered("fsconfig", -1, 99, 0, 0, 0), filtered("fsmount", -1, 0, 0),
            filtered("fspick", -1, b"x", 0), filtered("open_tree_attr", -1, b"x", 0, 0, 0)]


@attempt("system call filter; mounts are locked, for another user namespace owns them")
def unmount_what_hides_the_host(host):
    return filtered("umount2", b"/nonexistent", 2)


@attempt("system call filter")
def remount_writable(host):
    return filtered("mount", 0, b"/nonexistent", 0, 0x20 | 0x1000, 0)


@attempt("system call filter")
def pivot_root(host):
    return filtered("pivot_root", b"/nonexistent", b"/nonexistent")


@attempt("system call filter; no directory of the host is held open")
def chroot_escape(host):
    return filtered("chroot", b"/nonexistent")


@attempt("the old root is unmounted; .. of / is /")
def climb_out_of_the_root(host):
    for start in ("/" + "../" * 40, "/proc/self/root/" + "../" * 40, "/var/task/" + "../" * 40, "/proc/self/cwd/" + "../" * 40):
        if os.path.exists(start + host["secret"].lstrip("/")) or os.stat(start).st_ino != os.stat("/").st_ino:
            raise Escaped(start)
    return "always the slot's own root"


@attempt("system call filter")
def open_files_by_handle(host):
    return [filtered("open_by_handle_at", -1, 0, 0), filtered("name_to_handle_at", -1, b"x", 0, 0, 0)]


@attempt("code, layers and runtimes are mounted through names that tell nothing")
def host_paths_in_the_mount_table(host):
    table = mount_table()
    told = [path for path in (host["data"], host["program"], host["runtimes"], host["secret"]) if path in table]
    if told:
        raise Escaped([line for line in table.splitlines() if any(path in line for path in told)])
    return f"{len(table.splitlines())} lines, no path of the host's"


# --- /proc, /sys, /dev -----------------------------------------------------------------------------------------------------

@attempt("/proc is mounted read-only")
def write_core_pattern(host):
    return refused(opened("/proc/sys/kernel/core_pattern", os.O_WRONLY), "EROFS", "EACCES")


@attempt("/proc is mounted read-only")
def write_any_sysctl(host):
    paths = ("kernel/modprobe", "kernel/hostname", "vm/drop_caches", "vm/overcommit_memory", "net/ipv4/ip_forward", "fs/file-max",
             "kernel/ns_last_pid", "kernel/randomize_va_space", "user/max_user_namespaces")
    return missing_or_closed(*[f"/proc/sys/{path}" for path in paths], flags=os.O_WRONLY)


@attempt("/proc/sysrq-trigger is covered by /dev/null")
def open_sysrq_trigger(host):
    try:
        trigger = os.open("/proc/sysrq-trigger", os.O_WRONLY)
    except OSError as error:
        return errno.errorcode[error.errno]
    device = os.fstat(trigger)
    os.close(trigger)
    if not stat.S_ISCHR(device.st_mode) or device.st_rdev != os.makedev(1, 3):
        raise Escaped("it is the real one")
    return "it is /dev/null"


@attempt("what /proc tells of the host is covered")
def read_kernel_memory_and_logs(host):
    seen = {}
    for name in ("kcore", "kmsg", "kallsyms", "keys", "key-users", "timer_list", "sched_debug", "vmallocinfo", "slabinfo", "modules",
                 "iomem", "interrupts", "config.gz"):
        try:
            file = os.open(f"/proc/{name}", os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            seen[name] = errno.errorcode[error.errno]
            continue
        if os.read(file, 64):
            raise Escaped(f"/proc/{name} can be read")
        os.close(file)
        seen[name] = "empty"
    return seen


@attempt("the slot's first process is not dumpable")
def the_root_of_process_1(host):
    return [refused(lambda: os.listdir("/proc/1/root"), "EACCES", "EPERM"), refused(lambda: os.listdir("/proc/1/cwd"), "EACCES", "EPERM"),
            refused(lambda: os.listdir("/proc/1/fd"), "EACCES", "EPERM")]


@attempt("the slot's first process is not dumpable")
def environment_and_memory_of_process_1(host):
    return [refused(lambda: os.read(os.open(f"/proc/1/{name}", os.O_RDONLY), 1) or "nothing", "EACCES", "EPERM")
            for name in ("environ", "mem", "maps", "auxv")]


@attempt("a pid namespace of its own")
def see_the_hosts_processes(host):
    pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    if len(pids) > 3 or pids[-1] > 500:
        raise Escaped(pids)
    return pids


@attempt("a pid namespace of its own")
def environment_of_a_host_process(host):
    return missing_or_closed(f"/proc/{host['pid']}/environ", f"/proc/{host['pid']}/mem", f"/proc/{host['pid']}/root")


@attempt("the interpreter lies on a read-only mount")
def overwrite_the_interpreter_through_proc_self_exe(host):
    return refused(opened("/proc/self/exe", os.O_WRONLY), "EROFS", "ETXTBSY", "EACCES")


@attempt("/proc is read-only")
def lower_ones_oom_score(host):
    return missing_or_closed("/proc/self/oom_score_adj", "/proc/self/timerslack_ns", flags=os.O_WRONLY)


@attempt("/sys is empty")
def look_into_sys(host):
    found = os.listdir("/sys")
    if found:
        raise Escaped(found)
    return missing_or_closed("/sys/kernel/debug", "/sys/fs/cgroup", "/sys/firmware", "/sys/power/state", flags=os.O_RDONLY)


@attempt("no control group file system is mounted")
def escape_through_cgroup_release_agent(host):
    if " cgroup" in mount_table():
        raise Escaped("a control group file system is mounted")
    return missing_or_closed(*[f"/sys/fs/cgroup/{name}" for name in ("release_agent", "memory/release_agent", "notify_on_release",
                                                                   "cgroup.procs")], flags=os.O_WRONLY)


@attempt("a control group namespace of its own")
def own_place_among_the_control_groups(host):
    text = open("/proc/self/cgroup").read()
    if "lambari" in text or any(line.rsplit(":", 1)[1] != "/" for line in text.splitlines()):
        raise Escaped(text)
    return f"{len(text.splitlines())} hierarchies, always /"


@attempt("five devices and no other")
def open_devices(host):
    names = ("mem", "kmem", "port", "kmsg", "kvm", "fuse", "net/tun", "tty", "ptmx", "pts/0", "shm", "loop-control", "sda", "vda",
             "mapper/control", "vsock", "userfaultfd", "console", "rtc", "watchdog", "snd", "mqueue", "hugepages")
    return missing_or_closed(*[f"/dev/{name}" for name in names])


@attempt("system call filter: device nodes cannot be made")
def make_a_device_node(host):
    return [filtered("mknodat", -100, b"/nonexistent/x", kind | 0o600, os.makedev(1, 1)) for kind in (stat.S_IFCHR, stat.S_IFBLK)]


@attempt("the devices belong to somebody else, and / is read-only")
def change_the_devices(host):
    return [refused(lambda: os.chmod("/dev/null", 0o666), "EPERM", "EROFS"), refused(lambda: os.unlink("/dev/null"), "EACCES", "EROFS", "EBUSY"),
            refused(lambda: os.rename("/dev/zero", "/dev/null"), "EACCES", "EROFS", "EBUSY")]


@attempt("no terminal: a session of its own, its streams are pipes")
def push_input_into_a_terminal(host):
    if any(os.isatty(fd) for fd in (0, 1, 2)):
        raise Escaped("a terminal")
    return missing_or_closed("/dev/tty", "/dev/console")


# --- files -----------------------------------------------------------------------------------------------------------------

@attempt("a root made of allow-listed parts")
def read_the_hosts_secrets(host):
    return missing_or_closed("/etc/shadow", "/etc/sudoers", "/etc/ssh", "/root", "/home", "/root/.ssh", "/var/log", "/var/lib", "/run/docker.sock",
                             "/usr/local/lib", "/boot", "/srv", host["secret"])


@attempt("a root made of allow-listed parts")
def read_lambaris_data_and_program(host):
    return missing_or_closed(host["data"], host["data"] + "/server.log", host["program"], host["runtimes"])


@attempt("only its own code is mounted")
def read_another_functions_code(host):
    names = [name for folder, _, files in os.walk("/var/task") for name in files]
    if any("neighbour" in name for name in names):
        raise Escaped(names)
    return missing_or_closed("/var/task/neighbour.py", host["data"] + "/lambda", host["data"] + "/blobs")


@attempt("read-only mounts")
def write_to_code_layers_and_system(host):
    places = ("/var/task", "/opt", "/var/runtime", "/var/lang", "/usr/bin", "/usr/lib", "/etc", "/", "/var", "/dev", "/mnt", "/proc", "/sys")
    seen = {place: refused(opened(place + "/written", os.O_WRONLY | os.O_CREAT), "EROFS", "EACCES", "ENOENT", "EPERM") for place in places}
    for path in ("/var/task/abuse.py", "/etc/passwd", "/etc/resolv.conf", "/var/runtime/lambari_python.py"):
        seen[path] = refused(opened(path, os.O_WRONLY), "EROFS", "EACCES")
    return seen


@attempt("no_new_privs; every mount is nosuid")
def setuid_programs(host):
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    if status["NoNewPrivs"] != "1":
        raise Escaped("no_new_privs is not set")
    loose = [place for place in ("/", "/usr/bin", "/usr/lib", "/tmp", "/var/task", "/var/lang") if not os.statvfs(place).f_flag & os.ST_NOSUID]
    if loose:
        raise Escaped(f"without nosuid: {loose}")
    copy = "/tmp/id"
    open(copy, "wb").write(open("/usr/bin/id", "rb").read())
    os.chmod(copy, 0o6755)
    who = subprocess.run([copy, "-u"], capture_output=True, text=True).stdout.strip()
    os.unlink(copy)
    if who != str(os.getuid()):
        raise Escaped(f"became {who}")
    return f"still {who}"


@attempt("no capability, also not in the bounding set; one user number is mapped")
def become_somebody_else(host):
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    held = {name: status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status[name], 16)}
    if held:
        raise Escaped(held)
    return [refused(lambda: os.setuid(0), "EPERM", "EINVAL"), refused(lambda: os.setgroups([0]), "EPERM", "EINVAL"),
            refused(lambda: os.setresuid(1, 1, 1), "EPERM", "EINVAL"), refused(lambda: os.chown("/tmp", 0, 0), "EPERM", "EINVAL")]


@attempt("links of a package are made inside it; they resolve inside the slot")
def links_in_tmp_to_the_host(host):
    seen = {}
    for number, target in enumerate(("/etc/shadow", "/root", host["secret"], "/proc/1/root/etc/shadow", "../../../../.." + host["secret"])):
        link = f"/tmp/link{number}"
        os.symlink(target, link)
        seen[target] = refused(opened(link), "ENOENT", "EACCES", "EPERM")
        os.unlink(link)
    return seen


@attempt("two mounts, and files of others are not linked")
def hardlink_to_what_one_may_not_write(host):
    return [refused(lambda: os.link(path, "/tmp/hard"), "EXDEV", "EPERM") for path in ("/usr/bin/env", "/etc/passwd", "/var/task/abuse.py")]


@attempt("/tmp has the size that was asked for")
def fill_tmp(host):
    written, piece = 0, b"x" * (1 << 20)
    with open("/tmp/full", "wb", buffering=0) as file:
        try:
            while written < 700:
                file.write(piece)
                written += 1
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise Escaped(str(error))
        finally:
            os.unlink("/tmp/full")
    if written > 512:
        raise Escaped(f"{written} MB were written")
    return f"no space after {written} MB"


@attempt("/tmp has a number of inodes")
def many_inodes_in_tmp(host):
    files = os.statvfs("/tmp").f_files
    if not 0 < files <= 200_000:
        raise Escaped(f"{files} inodes")
    return f"{files} at most"


# --- processes -------------------------------------------------------------------------------------------------------------

@attempt("a pid namespace of its own")
def signal_a_host_process(host):
    return refused(lambda: os.kill(host["pid"], 0), "ESRCH")


@attempt("a pid namespace of its own")
def open_a_host_process(host):
    return filtered("pidfd_open", host["pid"], 0, code="ESRCH")


@attempt("signals of a namespace reach its own processes; its first one ignores them")
def signal_everyone(host):
    os.kill(1, 0)
    refused(lambda: os.kill(-1, 0), "ESRCH") if len([n for n in os.listdir("/proc") if n.isdigit()]) < 3 else os.kill(-1, 0)
    return "own processes only"


@attempt("system call filter")
def ptrace_a_neighbour(host):
    return filtered("ptrace", 0x4206, 99999, 0, 0)


@attempt("system call filter")
def read_and_write_other_processes_memory(host):
    return [filtered("process_vm_readv", 1, 0, 0, 0, 0, 1), filtered("process_vm_writev", 1, 0, 0, 0, 0, 1), filtered("pidfd_getfd", -1, 0, 0),
            filtered("kcmp", 1, 1, 99, 0, 0)]


@attempt("1,024 processes, by control group and by rlimit; the pid namespace ends with its first process")
def fork_bomb(host):
    made = []
    try:
        for _ in range(300):
            child = os.fork()
            if child == 0:
                time.sleep(20)
                os._exit(0)
            made.append(child)
    finally:
        for child in made:
            os.kill(child, signal.SIGKILL)
        for child in made:
            os.waitpid(child, 0)
    limit = resource.getrlimit(resource.RLIMIT_NPROC)
    if max(limit) > 1024 or min(limit) < 0:
        raise Escaped(f"processes: {limit}")
    return f"{len(made)} forks, {limit[1]} at most"


@attempt("rlimits are hard")
def raise_ones_limits(host):
    seen = {}
    for name in ("NPROC", "NOFILE", "MEMLOCK", "MSGQUEUE", "RTPRIO", "NICE"):
        which = getattr(resource, "RLIMIT_" + name)
        hard = resource.getrlimit(which)[1]
        if hard == resource.RLIM_INFINITY:
            raise Escaped(f"{name} has no limit")
        try:
            resource.setrlimit(which, (hard, hard + 1))
        except (ValueError, OSError):
            seen[name] = hard
            continue
        raise Escaped(f"{name} was raised beyond {hard}")
    return seen


@attempt("1,024 open files a process")
def exhaust_descriptors(host):
    held = []
    try:
        while len(held) < 2000:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise Escaped(str(error))
    finally:
        for fd in held:
            os.close(fd)
    if len(held) > 1024:
        raise Escaped(f"{len(held)} descriptors")
    return f"{len(held)} descriptors"


@attempt("a limit of signals that wait and of timers; without it they would be the host's root's")
def exhaust_timers_and_signals(host):
    limit = resource.getrlimit(resource.RLIMIT_SIGPENDING)
    if not 0 < max(limit) <= 1024:
        raise Escaped(f"signals: {limit}")
    made, timer = [], ctypes.c_int()
    while len(made) < 1500 and libc.syscall(ctypes.c_long(NUMBERS["timer_create"]), ctypes.c_long(1), None, ctypes.byref(timer)) == 0:
        made.append(timer.value)
    for each in made:
        syscall("timer_delete", each)
    if len(made) > 1024:
        raise Escaped(f"{len(made)} timers")
    return f"{len(made)} timers"


@attempt("descriptors on their way are counted as open ones are")
def exhaust_descriptors_on_their_way(host):
    import array
    pairs, sent, some = [], 0, array.array("i", [0] * 100)
    try:
        while sent < 3000:
            pairs.append(socket.socketpair())
            pairs[-1][0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, some)])
            sent += 100
    except OSError as error:
        if error.errno != errno.ETOOMANYREFS:
            raise Escaped(str(error))
        return f"{sent} on their way"
    finally:
        for pair in pairs:
            for one in pair:
                one.close()
    raise Escaped(f"{sent} on their way")


@attempt("inotify instances and watches are counted per slot, so that the host's user keeps its own")
def exhaust_inotify(host):
    held = []
    try:
        while len(held) < 150:
            fd = libc.inotify_init1(os.O_CLOEXEC)
            if fd < 0:
                break
            held.append(fd)
    finally:
        for fd in held:
            os.close(fd)
    watches = int(open("/proc/sys/user/max_inotify_watches").read())
    if len(held) > 16 or not 0 < watches <= 4096:
        raise Escaped(f"{len(held)} instances, {watches} watches")
    return f"{len(held)} instances, {watches} watches"


@attempt("64 KB may be locked")
def lock_memory(host):
    space = mmap.mmap(-1, 1 << 20)
    address = ctypes.addressof(ctypes.c_char.from_buffer(space))
    if libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(1 << 20)) == 0:
        raise Escaped("1 MB was locked")
    return errno.errorcode[ctypes.get_errno()]


@attempt("no capability; rlimits of priority are 0")
def raise_priority(host):
    seen = [refused(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5), "EACCES", "EPERM")]
    for policy in (os.SCHED_FIFO, os.SCHED_RR):
        seen.append(refused(lambda: os.sched_setscheduler(0, policy, os.sched_param(1)), "EPERM"))
    return seen


@attempt("a limit of 1 byte, which also keeps a crash handler of the host (core_pattern with a pipe) from being started")
def dump_core(host):
    if resource.getrlimit(resource.RLIMIT_CORE) != (1, 1):
        raise Escaped(resource.getrlimit(resource.RLIMIT_CORE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # 0 would start the handler: the filter answers, and nothing changes
    if resource.getrlimit(resource.RLIMIT_CORE) != (1, 1):
        raise Escaped("the limit was changed")
    os.chdir("/tmp")
    status = in_child(lambda: os.kill(os.getpid(), signal.SIGSEGV))
    os.chdir("/var/task")
    left = [name for name in os.listdir("/tmp") if "core" in name]
    if os.WCOREDUMP(status) or left:
        raise Escaped(f"status {status}, {left}")
    return f"ended by signal {os.WTERMSIG(status)}, no core"


@attempt("the kernel bounds arguments and environment")
def huge_environment_for_a_child(host):
    return refused(lambda: os.posix_spawn("/usr/bin/env", ["env"], {"A": "x" * (4 << 20)}), "E2BIG")


@attempt("everything is close-on-exec, and closed by range besides")
def inherited_descriptors(host):
    seen = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if not (target.startswith(("pipe:", "socket:", "anon_inode:", "/proc/")) or target == "/dev/null"):
            raise Escaped(f"{name} leads to {target}")
        if not target.startswith("/proc/") and stat.S_ISDIR(os.stat(int(name)).st_mode):
            raise Escaped(f"{name} is a folder")
        seen[name] = target
    if len(seen) > 8:
        raise Escaped(seen)
    return seen


@attempt("the environment is made anew")
def environment_of_the_server(host):
    text = "\0".join(f"{name}={value}" for name, value in os.environ.items())
    if host["marker"] in text or host["marker"] in open("/proc/self/environ").read():
        raise Escaped("the server's environment is visible")
    return "nothing of the server's"


@attempt("a quota of processor time: one processor for each 1,769 MB, and at least one (with control groups)")
def take_every_processor(host):
    began, children = time.monotonic(), []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            while time.monotonic() < began + 2:
                pass
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    wall, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    # One processor is granted; how far the kernel overshoots a quota depends on the machine, but two are never reached.
    if host["control groups"] and used > wall * 1.5:
        raise Escaped(f"{used:.1f} s of processors in {wall:.1f} s")
    return f"{used:.1f} s of processors in {wall:.1f} s"


# --- system calls ------------------------------------------------------------------------------------------------------------

@attempt("system call filter")
def kernel_keyrings(host):
    return [filtered("keyctl", 99, 0, 0, 0, 0), filtered("add_key", 0, 0, 0, 0, 0), filtered("request_key", 0, 0, 0, 0)]


@attempt("system call filter")
def bpf(host):
    return filtered("bpf", 9999, 0, 0)


@attempt("system call filter")
def perf_event_open(host):
    return filtered("perf_event_open", 0, 0, -1, -1, 0)


@attempt("system call filter: unknown here, so that programs take another way")
def io_uring(host):
    return [filtered(name, 0, 0, 0, 0, 0, 0, code="ENOSYS") for name in ("io_uring_setup", "io_uring_enter", "io_uring_register")]


@attempt("system call filter: what it does not know is refused")
def calls_of_newer_kernels(host):
    return [filtered("process_madvise", -1, 0, 0, 99, 0), filtered("quotactl_fd", -1, 0, 0, 0), filtered("set_mempolicy_home_node", 0, 0, 0, 99),
            filtered("map_shadow_stack", 0, 0, 99), filtered("lsm_set_self_attr", 9999, 0, 0, 0)]


@attempt("system call filter: done, without the host's file systems being written out")
def make_the_host_write_to_its_disks(host):
    result, error = syscall("syncfs", -1)
    if result != 0:
        raise Escaped(f"syncfs asks the kernel: {error}")
    return "said to be done"


@attempt("system call filter")
def userfaultfd(host):
    return filtered("userfaultfd", 0x7fffffff)


@attempt("system call filter")
def load_a_kernel_or_a_module(host):
    return [filtered("kexec_load", 0, 9999, 0, 0xffffffff), filtered("kexec_file_load", -1, -1, 0, 0, 0xffffffff),
            filtered("init_module", 0, 0, 0), filtered("finit_module", -1, 0, 0), filtered("delete_module", b"no-such-module", 0)]


@attempt("system call filter")
def reboot_and_swap(host):
    return [filtered("reboot", 0, 0, 0, 0), filtered("swapon", b"/nonexistent", 0), filtered("acct", b"/nonexistent"),
            filtered("quotactl", -1, 0, 0, 0)]


@attempt("system call filter")
def change_the_clock(host):
    wrong = struct.pack("qq", 0, -1)  # refused by the kernel too
    return [filtered("settimeofday", wrong, 0), filtered("clock_settime", 0, wrong), filtered("adjtimex", 0), filtered("clock_adjtime", 0, 0)]


@attempt("system call filter")
def change_the_hostname(host):
    return [filtered("sethostname", b"x", -1), filtered("setdomainname", b"x", -1)]


@attempt("system call filter")
def hardware_ports_and_odd_calls(host):
    return [filtered("iopl", 9), filtered("ioperm", -1, 0, 0), filtered("modify_ldt", 99, 0, 0), filtered("syslog", 99, 0, 0),
            filtered("fanotify_init", 0x7fffffff, 0), filtered("memfd_secret", 0x7fffffff), filtered("vhangup"), filtered("set_mempolicy", 99, 0, 0),
            filtered("move_pages", 1, 0, 0, 0, 0, 99), filtered("migrate_pages", -1, 0, 0, 0)]


@attempt("system call filter, on the argument")
def personality_without_randomization(host):
    return [filtered("personality", flag) for flag in (0x0040000, 0x0400000, 0x0100000)]


@attempt("the filter ends a process that uses another instruction set's calls")
def thirty_two_bit_calls(host):
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    status = in_child(call)
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) not in (signal.SIGSYS, signal.SIGSEGV):
        raise Escaped(f"status {status}")
    return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"


@attempt("the filter ends a process that uses another instruction set's calls")
def x32_calls(host):
    status = in_child(lambda: libc.syscall(ctypes.c_long(0x40000000 | 39)))
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGSYS:
        raise Escaped(f"status {status}")
    return "ended by SIGSYS"


@attempt("filters add up; a later one allows nothing that an earlier one refused")
def a_filter_that_allows_all(host):
    program = struct.pack("HBBI", 6, 0, 0, 0x7fff0000)  # return ALLOW
    buffer = ctypes.create_string_buffer(program)

    def install():
        described = struct.pack("HxxxxxxP", 1, ctypes.addressof(buffer))
        if libc.prctl(22, 2, described, 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
            os._exit(3)
        filtered("unshare", 0x10000000)
    status = in_child(install)
    if os.waitstatus_to_exitcode(status) != 0:
        raise Escaped(f"status {status}")
    return "still EPERM"


# --- network and shared kernel objects ------------------------------------------------------------------------------------

def reach(address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    def connect():
        with socket.socket(family, kind) as one:
            one.settimeout(2)
            one.connect(address)
            return address
    return connect


@attempt("a loopback of its own")
def services_on_the_hosts_loopback(host):
    return [refused(reach(("127.0.0.1", host["port"])), "ECONNREFUSED"), refused(reach(("::1", host["port"]), socket.AF_INET6), "ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL")]


@attempt("no route (a datagram socket is connected: nothing is sent)")
def the_hosts_own_addresses(host):
    return {address: refused(reach((address, host["port"]), kind=socket.SOCK_DGRAM), "ENETUNREACH") for address in host["addresses"]}


@attempt("no route (a datagram socket is connected: nothing is sent)")
def cloud_metadata(host):
    return [refused(reach(("169.254.169.254", 80), kind=socket.SOCK_DGRAM), "ENETUNREACH"),
            refused(reach(("fd00:ec2::254", 80), socket.AF_INET6, socket.SOCK_DGRAM), "ENETUNREACH", "EADDRNOTAVAIL")]


@attempt("no route (a datagram socket is connected: nothing is sent)")
def the_world(host):
    return [refused(reach((address, 80), kind=socket.SOCK_DGRAM), "ENETUNREACH") for address in ("192.0.2.1", "198.51.100.1", "10.0.0.1", "224.0.0.1")]


@attempt("a network namespace of its own: nothing but its own listeners")
def other_functions_runtime_api(host):
    listeners = {int(line.split()[1].split(":")[1], 16) for line in open("/proc/net/tcp").read().splitlines()[1:] if line.split()[3] == "0A"}
    if host["port"] in listeners:
        raise Escaped(listeners)
    answers = [refused(reach((f"127.0.0.{last}", 9001)), "ECONNREFUSED") for last in (2, 3)]
    return sorted(listeners), answers


@attempt("the Runtime API knows this environment's own invocation only")
def answer_for_another_invocation(host):
    request = urllib.request.Request(f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/{'0' * 8}-0000-4000-8000-{'0' * 12}/response",
                                     data=b"x", method="POST")
    try:
        urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as error:
        return error.code
    raise Escaped("it was taken")


def runtime_api(method, path, body=None, headers={}, timeout=5):
    """Status of an answer; how it went wrong when there is none."""
    request = urllib.request.Request(f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}{path}", data=body, method=method, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=timeout).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return type(error).__name__


@attempt("the Runtime API keeps to its states, whoever asks; bad requests are refused and change nothing")
def confuse_the_runtime_api(host):
    runtime = "/2018-06-01/runtime"
    seen = {"next while an invocation runs": runtime_api("GET", f"{runtime}/invocation/next"),
            "failed to start, when it has long started": runtime_api("POST", f"{runtime}/init/error", b"{}"),
            "an error of nobody's": runtime_api("POST", f"{runtime}/invocation/{'../' * 20}etc/passwd/error", b"{}"),
            "an id of 8 KB": runtime_api("POST", f"{runtime}/invocation/{'x' * 8192}/response", b"{}"),
            "a header of 4 MB": runtime_api("GET", "/2018-06-01/ping", headers={"X-Large": "x" * (4 << 20)}),
            "an extension after the start": runtime_api("POST", "/2020-01-01/extension/register", b'{"events":["INVOKE"]}',
                                                        {"Lambda-Extension-Name": "late"}),
            "telemetry for nobody": runtime_api("PUT", "/2022-07-01/telemetry", b"{}", {"Lambda-Extension-Identifier": "x"}),
            "an unknown page": runtime_api("GET", "/../../_lambari/status")}
    taken = {what: status for what, status in seen.items() if isinstance(status, int) and status < 400}
    if taken:
        raise Escaped(taken)
    return seen


@attempt("a connection that sends a byte now and then is closed, and holds up nobody")
def creep_into_the_runtime_api(host):
    host_name, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    creeping = [socket.create_connection((host_name, int(port)), timeout=5) for _ in range(50)]
    for number, one in enumerate(creeping):
        one.sendall(b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\n"[:number + 1])
    began = time.monotonic()
    status = runtime_api("GET", "/2018-06-01/nothing")
    for one in creeping:
        one.close()
    if status != 404:
        raise Escaped(f"the next one was answered {status} after {time.monotonic() - began:.1f} s")
    return status


@attempt("the endpoint's port is no proxy for functions")
def the_host_through_the_endpoint(host):
    seen = []
    for port in (80, int(os.environ["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])):
        for request in (f"CONNECT 127.0.0.1:{host['port']} HTTP/1.1\r\nHost: 127.0.0.1:{host['port']}\r\n\r\n",
                        f"GET http://127.0.0.1:{host['port']}/ HTTP/1.1\r\nHost: 127.0.0.1:{host['port']}\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
                one.sendall(request.encode())
                status = one.recv(64).split()[1].decode()
            if not status.startswith(("4", "5")):
                raise Escaped(f"{request.split()[0]} at {port}: {status}")
            seen.append(status)
    return seen


@attempt("the name server takes a bounded number of queries at once, and drops the rest")
def flood_the_name_server(host):
    query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\x03sqs\x09us-east-1\x09amazonaws\x03com\x00" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setblocking(False)
        for number in range(20_000):
            try:
                one.sendto(query if number % 2 else os.urandom(64), ("127.0.0.1", 53))
            except BlockingIOError:
                pass
    connections = [socket.create_connection(("127.0.0.1", 53), timeout=5) for _ in range(40)]
    for one in connections:
        one.sendall(b"\xff\xff" + os.urandom(32))
        one.close()
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.getaddrinfo("sqs.us-east-1.amazonaws.com", 443)[0][4][0]
        except OSError as error:
            if time.monotonic() > deadline:
                raise Escaped(f"no names any more: {error}")


@attempt("root's key, which everybody knows, is not for functions; what a role may not, it may not")
def be_root_of_the_account(host):
    import boto3
    from botocore.exceptions import ClientError
    seen = {}
    for key in ("test", "000000000000", "123456789012"):
        other = boto3.Session(aws_access_key_id=key, aws_secret_access_key="test", aws_session_token=None if key != "test" else "test")
        for who, session in ((key, other), ("its role", boto3.Session())):
            for service, operation, arguments in (("lambda", "get_function", {"FunctionName": "neighbour"}), ("iam", "list_users", {}),
                                                  ("logs", "describe_log_groups", {}), ("sts", "assume_role", {
                                                      "RoleArn": f"arn:aws:iam::{key if key != 'test' else '000000000000'}:role/lambda-role", "RoleSessionName": "root"})):
                try:
                    getattr(session.client(service), operation)(**arguments)
                except ClientError as error:
                    seen[f"{who} {operation}"] = error.response["Error"]["Code"]
                    continue
                raise Escaped(f"{who} may {operation}")
    return seen


@attempt("the admin API refuses what comes from a function")
def lambaris_admin_api(host):
    seen = []
    for page in ("status", "doctor", "clock", "cost", "metrics"):
        try:
            urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_lambari/{page}", timeout=5)
        except urllib.error.HTTPError as error:
            if error.code != 403:
                raise Escaped(f"{page}: {error.code}")
            seen.append(error.code)
            continue
        raise Escaped(f"{page} answered")
    return seen


@attempt("a network namespace of its own")
def abstract_unix_sockets_of_the_host(host):
    return refused(reach("\0" + host["abstract"], socket.AF_UNIX), "ECONNREFUSED")


@attempt("system call filter, on the family; no CAP_NET_RAW")
def raw_and_packet_sockets(host):
    families = {"AF_PACKET": (17, 3, 0), "AF_INET raw": (2, 3, 1), "AF_INET6 raw": (10, 3, 58), "AF_KEY": (15, 3, 2), "AF_XDP": (44, 3, 0)}
    return {name: refused(lambda: socket.socket(*made), "EPERM", "EACCES", "EPROTONOSUPPORT") for name, made in families.items()}


@attempt("system call filter, on the protocol: the kernel is not asked, which would load a module for it")
def protocols_that_load_modules(host):
    # A pair that does not go together, and a number that no kernel knows, are refused with these errors by the filter alone.
    if "EPERM" not in refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1), "EPERM", "EACCES", "EPROTONOSUPPORT"):
        raise Escaped("datagram sockets of ICMP are asked for")
    protocols = {"SCTP": (5, 132), "DCCP": (6, 33), "MPTCP": (1, 262), "UDP-Lite": (2, 136), "L2TP": (2, 115)}
    seen = {name: refused(lambda: socket.socket(family, *made), "EPROTONOSUPPORT") for name, made in protocols.items()
            for family in (socket.AF_INET, socket.AF_INET6)}
    seen["DCCP by its type"] = refused(lambda: socket.socket(socket.AF_INET, 6, 0), "EPERM")
    return seen


@attempt("system call filter, on the family")
def odd_socket_families(host):
    families = {"AF_VSOCK": 40, "AF_ALG": 38, "AF_BLUETOOTH": 31, "AF_TIPC": 30, "AF_CAN": 29, "AF_RDS": 21, "AF_APPLETALK": 5, "AF_X25": 9}
    return {name: refused(lambda: socket.socket(number, 5 if name == "AF_ALG" else 1, 0), "EPERM") for name, number in families.items()}


@attempt("system call filter: of netlink only what lists interfaces")
def netlink_beyond_routes(host):
    return {number: refused(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, number), "EPERM") for number in (4, 9, 11, 12, 15, 16)}


@attempt("no capability over its own network namespace")
def change_the_network(host):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as route:
        # RTM_NEWLINK, create, ack: an interface of kind "dummy"
        kind = struct.pack("HH", 9, 1) + b"dummy" + b"\0" * 3
        info = struct.pack("HH", 4 + len(kind), 18) + kind
        body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + info
        route.send(struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
        answer = -struct.unpack_from("i", route.recv(4096), 16)[0]
    if answer != errno.EPERM:
        raise Escaped(errno.errorcode.get(answer, "it worked"))
    import fcntl
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sHH4s16x", b"lo:1", socket.AF_INET, 0, socket.inet_aton("127.0.0.9"))
        return "EPERM", refused(lambda: fcntl.ioctl(any_socket, 0x8916, request), "EPERM")  # SIOCSIFADDR


@attempt("what is mapped for reading is copied before it is written")
def write_to_code_through_proc_self_mem(host):
    before = open("/var/task/abuse.py", "rb").read()
    with open("/var/task/abuse.py", "rb") as file:
        mapped = libc.mmap(None, ctypes.c_size_t(4096), 1, 2, file.fileno(), ctypes.c_long(0))  # to read, private
    try:
        memory = os.open("/proc/self/mem", os.O_RDWR)
    except OSError as error:
        return errno.errorcode[error.errno]
    try:
        os.pwrite(memory, b"#", mapped)
    except OSError:
        pass
    os.close(memory)
    if open("/var/task/abuse.py", "rb").read() != before:
        raise Escaped("the file was changed")
    return "a copy was written"


@attempt("an ipc namespace of its own")
def shared_memory_of_the_host(host):
    if libc.shmget(host["shm"], 0, 0) >= 0:
        raise Escaped("the host's segment is there")
    return errno.errorcode[ctypes.get_errno()]


@attempt("an ipc namespace that goes with the slot")
def shared_memory_of_an_earlier_environment(host):
    key = 0x6c616d62
    if libc.shmget(key, 0, 0) >= 0:
        raise Escaped("an earlier environment's segment is there")
    libc.shmget(key, 4096, 0o1600)  # left behind on purpose
    return "none; one is left for the next"


@attempt("no message queues: a limit of 0")
def message_queues(host):
    return missing_or_closed("/dev/mqueue", "/proc/sys/fs/mqueue/queues_max", flags=os.O_WRONLY)


@attempt("ioctls of namespaces lead to descendants only")
def parent_namespaces_by_ioctl(host):
    import fcntl
    with open("/proc/self/ns/user") as own, open("/proc/self/ns/net") as net, open("/proc/self/ns/pid") as pid:
        return [refused(lambda: fcntl.ioctl(own, 0xb702), "EPERM"), refused(lambda: fcntl.ioctl(own, 0xb701), "EPERM"),
                refused(lambda: fcntl.ioctl(pid, 0xb702), "EPERM")] + [os.readlink(f"/proc/self/fd/{net.fileno()}")]


@attempt("system call filter")
def mounts_of_other_namespaces(host):
    return [filtered("statmount", 0, 0, 0, 0), filtered("listmount", 0, 0, 0, 0)]


# --- what ends its environment; run alone -----------------------------------------------------------------------------------

def eat_memory():
    """2 GB at most, page by page."""
    held = []
    for _ in range(128):
        held.append(mmap.mmap(-1, 16 << 20))
        for at in range(0, 16 << 20, 4096):
            held[-1][at] = 1
    raise Escaped(f"{len(held) * 16} MB were held")


def eat_memory_in_children():
    """The same, by eight children."""
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            held = [mmap.mmap(-1, 16 << 20) for _ in range(16)]
            for one in held:
                for at in range(0, 16 << 20, 4096):
                    one[at] = 1
            time.sleep(10)
            os._exit(0)
        children.append(child)
    for child in children:
        if os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            raise MemoryError("a child was killed")
    raise Escaped("2 GB were held by children")


def flood_output(megabytes):
    line = b"x" * 1023 + b"\n"
    for _ in range(megabytes * 1024):
        os.write(1, line)
    return megabytes


def leave_a_daemon(argument):
    """Twice forked, in a session of its own; it ends by itself after two minutes."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv("/usr/bin/sleep", ["sleep", argument])
        os._exit(0)
    os.wait()
    return "left"


def hold_connections(port, count, head, body):
    """`count` connections at most, each with the beginning of a request; held for some seconds."""
    for _ in range(-(-count // 500)):
        if os.fork() == 0:
            held = []
            try:
                for _ in range(min(count, 500)):
                    held.append(socket.create_connection(("127.0.0.1", port), timeout=2))
                    held[-1].sendall(head.encode())
                    for _ in range(body):
                        held[-1].sendall(bytes(1 << 20))
            except OSError as error:
                print(len(held), error)
            time.sleep(8)
            os._exit(0)
    time.sleep(6)
    return "held"


def take_what_is_counted_for_users():
    """64 inotify instances and 60,000 timers at most, held for some seconds."""
    held, timer, timers = [], ctypes.c_int(), 0
    while len(held) < 64 and (fd := libc.inotify_init1(0)) >= 0:
        held.append(fd)
    while timers < 60_000 and libc.syscall(ctypes.c_long(NUMBERS["timer_create"]), ctypes.c_long(1), None, ctypes.byref(timer)) == 0:
        timers += 1
    time.sleep(4)
    for fd in held:
        os.close(fd)
    return [len(held), timers]


def burn(argument):
    """A child that outlives the invocation and computes, for a minute."""
    if os.fork() == 0:
        os.setsid()
        os.execv("/usr/bin/timeout", ["timeout", argument, "sh", "-c", "while :; do :; done"])
    return "burning"


def alone(event, context):
    kind = event["kind"]
    try:
        if kind == "memory":
            return eat_memory()
        if kind == "children":
            return eat_memory_in_children()
        if kind == "flood":
            return flood_output(event["megabytes"])
        if kind == "connections":
            return hold_connections(event["port"], event["count"], event["head"], event["body"])
        if kind == "users":
            return take_what_is_counted_for_users()
        if kind == "burn":
            return burn(event["argument"])
        if kind == "daemon":
            return leave_a_daemon(event["argument"])
        if kind == "opt":
            return {name: os.path.realpath(os.path.join("/opt", name)) for name in sorted(os.listdir("/opt"))}
        if kind == "tmp":
            place = os.statvfs("/tmp")
            return place.f_blocks * place.f_frsize >> 20
        if kind == "read":
            return open(event["path"]).read()
        if kind == "modes":
            return {name: oct(os.lstat(os.path.join("/var/task", name)).st_mode) for name in os.listdir("/var/task")}
    except Escaped as escaped:
        return {"escaped": str(escaped)}
    return platform.node(), sys.version
