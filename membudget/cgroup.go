package membudget

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// unlimited is far below what cgroup v1 shows where there is no limit (the largest int64,
// rounded down to a page), and far above any memory.
const unlimited = 1 << 60

// cgroup is where one cgroup hierarchy that may limit memory is found.
type cgroup struct {
	mount string // where it is mounted
	root  string // what of the hierarchy is mounted there
	path  string // the process's place in the hierarchy
	file  string // the name of the file with the limit
}

// cgroupLimit returns the lowest memory limit of the cgroups that the process is in.
func cgroupLimit(root fs.FS) (int64, bool) {
	lowest, found := int64(unlimited), false
	for _, g := range cgroups(root) {
		for dir := g.dir(); ; dir = path.Dir(dir) {
			if n, ok := readLimit(root, path.Join(dir, g.file)); ok {
				lowest, found = min(lowest, n), true
			}
			if len(dir) <= len(g.mount) {
				break
			}
		}
	}
	return lowest, found
}

// dir returns the directory of the process's own cgroup, or the mount point if that is not
// below what is mounted, as in a container that does not see its own place.
func (g cgroup) dir() string {
	rel, ok := strings.CutPrefix(g.path, strings.TrimSuffix(g.root, "/"))
	if !ok || (rel != "" && rel[0] != '/') || slices.Contains(strings.Split(rel, "/"), "..") {
		return g.mount
	}
	return path.Join(g.mount, rel)
}

func readLimit(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, strings.TrimPrefix(name, "/"))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // fails for "max"
	return n, err == nil && n > 0 && n < unlimited
}

// cgroups joins what /proc says of the process's place in each hierarchy and of the mounts.
func cgroups(root fs.FS) (found []cgroup) {
	v1, v2 := cgroupPaths(root)
	mounts, _ := fs.ReadFile(root, "proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		// 36 35 0:31 /root /mount/point rw,options optional:1 - fstype source super,options
		before, after, ok := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 3 {
			continue
		}
		g := cgroup{root: unescape(left[3]), mount: unescape(left[4])}
		switch {
		case right[0] == "cgroup2" && v2 != "":
			g.path, g.file = v2, "memory.max"
		case right[0] == "cgroup" && v1 != "" && slices.Contains(strings.Split(right[2], ","), "memory"):
			g.path, g.file = v1, "memory.limit_in_bytes"
		default:
			continue
		}
		found = append(found, g)
	}
	return found
}

// cgroupPaths returns the process's place in the memory hierarchy of v1 and in that of v2,
// "" where there is none.
func cgroupPaths(root fs.FS) (v1, v2 string) {
	text, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		// 4:memory,cpu:/path or 0::/path
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[0] == "0" && parts[1] == "":
			v2 = parts[2]
		case slices.Contains(strings.Split(parts[1], ","), "memory"):
			v1 = parts[2]
		}
	}
	return v1, v2
}

// unescape undoes the escapes of the kernel in mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// totalMemory returns the RAM of the machine.
func totalMemory(root fs.FS) (int64, bool) {
	text, _ := fs.ReadFile(root, "proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib * 1024, err == nil && kib > 0
		}
	}
	return 0, false
}
