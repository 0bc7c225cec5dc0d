package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// environment says what the figures depend on.
func environment(rounds int, quick bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s/%s, %s, %d processors, commit %s, medians of %d rounds",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, cpuModel(), runtime.GOMAXPROCS(0), commit(), rounds)
	if quick {
		b.WriteString(" of small size: NOT A MEASUREMENT")
	}
	b.WriteString("\n\n")
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if slices.Contains(peerModules, dep.Path) {
			fmt.Fprintf(&b, "%s %s, ", dep.Path, dep.Version)
		}
	}
	return strings.TrimSuffix(b.String(), ", ") + "\n"
}

var peerModules = []string{
	"github.com/phuslu/log", "github.com/rs/zerolog", "go.uber.org/zap", "go.uber.org/zap/exp",
	"go.opentelemetry.io/otel/sdk/log", "go.opentelemetry.io/contrib/bridges/otelslog",
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, model, _ := strings.Cut(string(text), "model name\t: ")
	model, _, _ = strings.Cut(model, "\n")
	if model == "" {
		return "unknown CPU"
	}
	return model
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
