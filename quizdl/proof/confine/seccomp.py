"""seccomp: system calls that a demo has no use for, refused by the kernel with EPERM.

Everything NumPy, files in the scratch folder and threads need is allowed. Refused: sockets,
io_uring (a ring opens sockets without socket(2)), new processes and programs, signals to and
tracing of any process but itself, changing the attributes of files (Landlock does not govern
them), memory that no limit counts or that outlives the process. Calls newer than this list
are answered as if the kernel did not have them, and so is clone3, whose flags a filter cannot
read: the C library then uses clone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable, Iterator

from quizdl.proof.confine import kernel

assert sys.platform == "linux"

_PR_SET_SECCOMP = 22  # linux/prctl.h
_SECCOMP_MODE_FILTER = 2
_X32_BIT = 0x40000000  # x86_64's second set of numbers for the same calls
_FIRST_UNKNOWN = 451  # the numbers below mean the same since Linux 5.17

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h

# Numbers from asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64); None: not there.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # network
    "socket": (41, 198),
    "socketpair": (53, 199),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # new processes and programs, other name spaces
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "unshare": (272, 97),
    "setns": (308, 268),
    # other processes
    "tkill": (200, 130),  # names a thread only: the kernel finds it in any process
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # attributes of files
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    # memory and queues that stay behind, or that no limit counts
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
}
_CLONE3 = 435
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_THREAD = 0x00010000
# Calls whose first argument must be this process: kill, tgkill, rt_(tg)sigqueueinfo.
_SIGNALS = {"x86_64": (62, 234, 129, 297), "aarch64": (129, 131, 138, 240)}
# ... or 0, which means the caller: prlimit64, sched_setaffinity.
_OWN_ONLY = {"x86_64": (302, 203), "aarch64": (261, 122)}
_FCNTL = {"x86_64": 72, "aarch64": 25}
_FCNTL_SIGNALS = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX: signals by way of a file
_PRCTL = {"x86_64": 157, "aarch64": 167}
_PR_SET_PDEATHSIG = 1  # the server asked to take its children along


def refuse() -> bool:
    """Refuse them from now on and for good; whether the kernel took the filter.

    Call it in the process that is to be confined (its id is part of the filter), after
    `kernel.no_new_privileges`. False on machines other than x86_64 and aarch64.
    """
    if kernel.MACHINE not in _AUDIT_ARCH:
        return False
    instructions = b"".join(program(kernel.MACHINE, os.getpid()))
    code = ctypes.create_string_buffer(instructions, len(instructions))
    # struct sock_fprog { unsigned short len; struct sock_filter *filter; }
    fprog = struct.pack("HP", len(instructions) // 8, ctypes.addressof(code))
    holder = ctypes.create_string_buffer(fprog, len(fprog))
    return kernel.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(holder))


# Classic BPF (linux/bpf_common.h) over struct seccomp_data (linux/seccomp.h):
# { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH = 0, 4
_ALLOW = 0x7FFF0000
_NO = 0x00050000 | errno.EPERM
_UNKNOWN = 0x00050000 | errno.ENOSYS


def program(machine: str, pid: int) -> Iterator[bytes]:
    """The filter for process `pid`, one instruction after the other."""
    yield _instruction(_LOAD, _ARCH)
    yield from _if(_EQUAL, _AUDIT_ARCH[machine], otherwise=[_instruction(_ANSWER, _NO)])
    yield _instruction(_LOAD, _NR)
    yield from _if(_AT_LEAST, _X32_BIT, [_instruction(_ANSWER, _NO)])
    yield from _if(_AT_LEAST, _FIRST_UNKNOWN, [_instruction(_ANSWER, _UNKNOWN)])
    column = list(_AUDIT_ARCH).index(machine)
    for numbers in _REFUSED.values():
        if (number := numbers[column]) is not None:
            yield from _if(_EQUAL, number, [_instruction(_ANSWER, _NO)])
    yield from _if(_EQUAL, _CLONE3, [_instruction(_ANSWER, _UNKNOWN)])
    yield from _argument(_CLONE[machine], 0, _ANY_BIT, [_CLONE_THREAD], _ALLOW, _NO)
    for number in _SIGNALS[machine]:
        yield from _argument(number, 0, _EQUAL, [pid], _ALLOW, _NO)
    for number in _OWN_ONLY[machine]:
        yield from _argument(number, 0, _EQUAL, [0, pid], _ALLOW, _NO)
    yield from _argument(_FCNTL[machine], 1, _EQUAL, _FCNTL_SIGNALS, _NO, _ALLOW)
    yield from _argument(_PRCTL[machine], 0, _EQUAL, [_PR_SET_PDEATHSIG], _NO, _ALLOW)
    yield _instruction(_ANSWER, _ALLOW)


def _argument(
    number: int, index: int, test: int, values: Iterable[int], hit: int, miss: int
) -> Iterator[bytes]:
    """Of call `number`, compare the low half of an argument: `hit` if any value fits."""
    body = [_instruction(_LOAD, 16 + 8 * index)]  # little-endian on both machines
    for value in values:
        body += _if(test, value, [_instruction(_ANSWER, hit)])
    yield from _if(_EQUAL, number, [*body, _instruction(_ANSWER, miss)])


def _if(
    test: int, value: int, then: list[bytes] | None = None, otherwise: list[bytes] | None = None
) -> list[bytes]:
    """One of the two; then whatever follows, unless it has answered."""
    if otherwise is not None:
        return [_instruction(test, value, len(otherwise), 0), *otherwise]
    assert then is not None
    return [_instruction(test, value, 0, len(then)), *then]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)  # struct sock_filter
