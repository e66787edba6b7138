// The process that writes a container's log: it belongs to the container's shim, so logs go on whatever becomes of mk8s and of containerd.
// A perl program, because Debian's essential perl-base is the smallest thing on every machine that can do it (1.3 MB of its own a container).
//
// It reads the container's outputs from descriptors 3 and 4 and closes 5 when it is ready, as containerd's binary loggers do. In its
// directory, `log` is a link to the log file, which is opened anew when it no longer is the file that was opened (so rotation needs no signal),
// and `attach` is a socket that hands everything read to whoever connects: frames of a byte for the stream, four for the length, and the bytes.
// Lines get CRI's format, split after 16 KiB as containerd does; what ends without a newline is a partial line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { findExecutable } from '../../base/child-process.ts'
import { moveToOwnCgroup } from '../../base/own-cgroup.ts'

/** clock_gettime, which perl-base has no other way to call. */
const systemCall: Partial<Record<NodeJS.Architecture, number>> = { x64: 228, arm64: 113 }

const program = (clock: number) => String.raw`chdir $ARGV[0] or exit 1;
$SIG{$_} = 'IGNORE' for qw(TERM INT HUP PIPE);
for ([3, 'stdout'], [4, 'stderr']) { open my $handle, '<&=', $_->[0] or next; $in{$_->[0]} = { handle => $handle, name => $_->[1], rest => '' } }
unlink 'attach';
socket $door, 1, 1, 0; bind $door, pack('S Z*', 1, 'attach'); listen $door, 8;
if (open my $ready, '>&=', 5) { close $ready }
sub record {
  my ($stream, $tag, $lines) = @_;
  my @now = (stat 'log')[0, 1];
  if (!@now || "@now" ne $inode) {
    sysopen $log, 'log', 1 | 64 | 1024, 0640 or return;
    $inode = join ' ', (stat $log)[0, 1];
  }
  my $clock = "\0" x 16; syscall ${clock}, 0, $clock;
  my ($seconds, $rest) = unpack 'q2', $clock; my @t = gmtime $seconds;
  my $head = sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%09dZ %s %s ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0], $rest, $stream, $tag;
  $lines =~ s/^/$head/mg;
  for (my $at = 0; $at < length $lines;) { $at += syswrite($log, $lines, length($lines) - $at, $at) || return }
}
sub feed {
  my ($in, $all) = @_;
  my $end = rindex($all, "\n") + 1; my $whole = substr $all, 0, $end; $in->{rest} = substr $all, $end;
  if ($end > 16384 && $whole =~ /[^\n]{16385}/) {
    for my $line ($whole =~ /.*\n/g) { record($in->{name}, 'P', substr($line, 0, 16384, '') . "\n") while length $line > 16385; record($in->{name}, 'F', $line) }
  } elsif ($end) { record($in->{name}, 'F', $whole) }
  record($in->{name}, 'P', substr($in->{rest}, 0, 16384, '') . "\n") while length $in->{rest} > 16384;
}
sub show { my ($v) = @_; my $n = syswrite $v->{handle}, $v->{data}; if (defined $n) { substr $v->{data}, 0, $n, '' } elsif ($! != 11) { delete $viewers{fileno $v->{handle}} } }
while (%in) {
  my ($r, $w) = ('', '');
  vec($r, $_, 1) = 1 for keys %in, fileno $door, keys %viewers;
  vec($w, $_, 1) = 1 for grep { length $viewers{$_}{data} } keys %viewers;
  (select $r, $w, undef, undef) > 0 or next;
  my @others = keys %viewers;
  if (vec $r, fileno $door, 1) { if (accept my $handle, $door) { fcntl $handle, 4, 2048; $viewers{fileno $handle} = { handle => $handle, data => '' } } }
  for my $fd (keys %in) {
    next unless vec $r, $fd, 1;
    my $in = $in{$fd}; my $n = sysread $in->{handle}, my $data, 65536;
    next if !defined $n && ($! == 11 || $! == 4);
    if (!$n) { record($in->{name}, 'P', $in->{rest} . "\n") if length $in->{rest}; delete $in{$fd}; next }
    for (keys %viewers) { my $v = $viewers{$_}; $v->{data} .= pack('CN', $fd - 2, $n) . $data; show($v); delete $viewers{$_} if length $v->{data} > 4 << 20 }
    feed($in, $in->{rest} . $data);
  }
  for (grep { $viewers{$_} } @others) { my $v = $viewers{$_}; show($v) if vec $w, $_, 1; delete $viewers{$_} if vec($r, $_, 1) && !sysread $v->{handle}, my $gone, 4096 }
}
for $v (values %viewers) { fcntl $v->{handle}, 4, 0; alarm 2; show($v) while length $v->{data} && $viewers{fileno $v->{handle}} }
unlink 'attach';
`

interface Logger {
  /** For `ctr tasks start --log-uri`: containerd's shim starts the logger and waits for it when the task is deleted. */
  uri(directory: string): string
  /** Where the shim's own outputs have to be named pipes (terminals and standard input): the logger reads these. @returns its process id. */
  follow(directory: string, outputs: readonly number[]): Promise<number>
}

/** @param cgroup where loggers of our own live, as `moveToOwnCgroup` says. */
export function installLogger(path: string, cgroup: string): Logger {
  const perl = findExecutable('perl')
  const clock = systemCall[process.arch]
  if (!perl || clock === undefined) throw new Error('perl is missing, which writes the logs of containers with --runtime-driver ctr: install it (Debian: apt-get install perl-base)')
  writeFileSync(path, program(clock), { mode: 0o700 })
  chmodSync(path, 0o700)
  return {
    uri: (directory) => `binary://${perl}?${encodeURIComponent(path)}=${encodeURIComponent(directory)}`,
    async follow(directory, outputs) {
      const nothing = await open('/dev/null', 'r')
      try {
        const stdio = [...outputs, ...Array.from({ length: 2 - outputs.length }, () => nothing.fd)]
        const child = spawn(perl, [path, directory], { detached: true, stdio: ['ignore', 'ignore', 'ignore', ...stdio, 'pipe'], env: {}, cwd: '/' })
        child.unref()
        await once(child, 'spawn')
        const ready = (child.stdio as readonly unknown[])[5] as Readable
        await once(ready.resume(), 'close')
        if (child.pid === undefined) throw new Error(`${perl} could not be started`)
        moveToOwnCgroup(child.pid, cgroup)
        return child.pid
      } finally {
        await nothing.close()
      }
    },
  }
}
