package membudget

import (
	"math"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
)

// The files of the kernel are passed in, so the table needs neither root nor Linux.
func TestSystemMemory(t *testing.T) {
	const (
		v2Mount   = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		v1Mount   = "33 32 0:29 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
		v1CPU     = "34 32 0:30 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu\n"
		dockerV1  = "33 32 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
		spaced    = `30 23 0:26 / /mnt/c\040g rw - cgroup2 cgroup2 rw` + "\n"
		unlimited = "9223372036854771712\n"
		mem8GiB   = "MemTotal:        8388608 kB\nMemFree:          100 kB\n"
	)
	tests := []struct {
		name    string
		goLimit int64
		files   map[string]string
		want    int64
	}{
		{name: "nothing can be read", want: assumedMemory},
		{name: "RAM", files: map[string]string{"proc/meminfo": mem8GiB}, want: 8 << 30},
		{name: "RAM unreadable", files: map[string]string{"proc/meminfo": "MemTotal: much kB\n"}, want: assumedMemory},
		{name: "meminfo without total", files: map[string]string{"proc/meminfo": "MemFree: 1 kB\n"}, want: assumedMemory},
		{
			name: "the Go limit comes first", goLimit: 123,
			files: map[string]string{"proc/meminfo": mem8GiB}, want: 123,
		},
		{name: "v2", files: map[string]string{
			"proc/meminfo": mem8GiB, "proc/self/cgroup": "0::/app.slice/a\n", "proc/self/mountinfo": v1CPU + v2Mount,
			"sys/fs/cgroup/app.slice/a/memory.max": "1000\n",
		}, want: 1000},
		{name: "v2 without limit", files: map[string]string{
			"proc/meminfo": mem8GiB, "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2Mount,
			"sys/fs/cgroup/a/memory.max": "max\n",
		}, want: 8 << 30},
		{name: "v2, a parent is lower", files: map[string]string{
			"proc/self/cgroup": "0::/p/q/r\n", "proc/self/mountinfo": v2Mount,
			"sys/fs/cgroup/p/q/r/memory.max": "3000\n", "sys/fs/cgroup/p/q/memory.max": "max\n",
			"sys/fs/cgroup/p/memory.max": "2000\n",
		}, want: 2000},
		{name: "v2, a parent is higher", files: map[string]string{
			"proc/self/cgroup": "0::/p/q\n", "proc/self/mountinfo": v2Mount,
			"sys/fs/cgroup/p/q/memory.max": "3000\n", "sys/fs/cgroup/p/memory.max": "5000\n",
		}, want: 3000},
		{name: "v2 in a container of its own namespace", files: map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/memory.max": "4000\n",
		}, want: 4000},
		{name: "v2, outside the namespace's root", files: map[string]string{
			"proc/self/cgroup": "0::/../../other\n", "proc/self/mountinfo": v2Mount,
			"sys/fs/cgroup/memory.max": "4000\n", "other/memory.max": "1\n", "sys/other/memory.max": "1\n",
		}, want: 4000},
		{name: "v2, mount point with a space", files: map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": spaced, "mnt/c g/a/memory.max": "4000\n",
		}, want: 4000},
		{name: "v1", files: map[string]string{
			"proc/self/cgroup": "4:memory:/a\n3:cpu,cpuacct:/b\n", "proc/self/mountinfo": v1CPU + v1Mount,
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "5000\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited,
		}, want: 5000},
		{name: "v1 without limit", files: map[string]string{
			"proc/meminfo": mem8GiB, "proc/self/cgroup": "4:memory:/a\n", "proc/self/mountinfo": v1Mount,
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": unlimited,
		}, want: 8 << 30},
		{name: "v1 in a container that sees the host's path", files: map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abc\n", "proc/self/mountinfo": dockerV1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "6000\n",
		}, want: 6000},
		{name: "v1, a path that only begins like the mounted one", files: map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abcdef\n", "proc/self/mountinfo": dockerV1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "6000\n", "sys/fs/cgroup/memory/def/memory.limit_in_bytes": "1\n",
		}, want: 6000},
		{name: "both, memory in v1", files: map[string]string{
			"proc/self/cgroup": "4:memory:/a\n0::/a\n", "proc/self/mountinfo": v2Mount + v1Mount,
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "7000\n",
		}, want: 7000},
		{name: "broken lines", files: map[string]string{
			"proc/meminfo": mem8GiB, "proc/self/cgroup": "\n0:\nx\n", "proc/self/mountinfo": "\na - b\n1 2 3 4 5 6 - cgroup2\n",
		}, want: 8 << 30},
		{name: "a limit of zero is none", files: map[string]string{
			"proc/meminfo": mem8GiB, "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2Mount,
			"sys/fs/cgroup/a/memory.max": "0\n",
		}, want: 8 << 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range tt.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			goLimit := int64(math.MaxInt64)
			if tt.goLimit != 0 {
				goLimit = tt.goLimit
			}
			assert.Equal(t, tt.want, systemMemory(goLimit, root))
		})
	}
}

func TestFractionOfMemory(t *testing.T) {
	assert.Equal(t, int64(math.MaxInt64), share(1, math.MaxInt64))
	assert.Equal(t, int64(500), share(0.5, 1000))
	assert.Equal(t, int64(1), share(0.1, 3), "New wants at least 1")
	assert.Equal(t, int64(1), share(1, 0))
}
