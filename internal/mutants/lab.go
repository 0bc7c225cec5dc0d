package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lab is a copy of the module in which mutants are tried, one after the other.
type lab struct{ dir string }

type verdict string

const (
	caught   verdict = "caught"
	survived verdict = "SURVIVED"
	unusable verdict = "UNUSABLE" // it does not apply or compile
	excused  verdict = "nothing:" // it survived, as it says itself
	compiled verdict = "compiles"
)

type result struct {
	*mutant
	verdict verdict
	detail  string // what caught it, or what is wrong with it
	took    time.Duration
}

func (r result) String() string {
	if r.verdict == caught {
		return r.detail
	}
	return strings.TrimSpace(string(r.verdict) + " " + r.detail)
}

// newLabs makes n labs below dir of the module that the working directory is in.
func newLabs(ctx context.Context, dir string, n int) ([]*lab, error) {
	gomod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, err
	}
	module := filepath.Dir(strings.TrimSpace(string(gomod)))
	labs := make([]*lab, n)
	for i := range labs {
		labs[i] = &lab{filepath.Join(dir, strconv.Itoa(i))}
		if err := copyModule(labs[i].dir, module); err != nil {
			return nil, err
		}
	}
	return labs, nil
}

// copyModule copies the files of a module, with those of modules in it: the documentation
// links to them.
func copyModule(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}

// checkUnbroken runs the tests without a mutant: what fails then would prove nothing.
func (l *lab) checkUnbroken(ctx context.Context, chosen []mutant) error {
	var packages []string
	for _, m := range chosen {
		packages = append(packages, strings.Fields(m.tests)...)
	}
	slices.Sort(packages)
	packages = slices.Compact(packages)
	if v, detail := l.test(ctx, packages, false); v == caught || v == unusable {
		return fmt.Errorf("without any mutant, %s fails", detail)
	}
	return nil
}

// try tests the module with m in it.
func (l *lab) try(ctx context.Context, m *mutant) result {
	began := time.Now()
	path := filepath.Join(l.dir, m.file)
	original, err := os.ReadFile(path)
	if err != nil {
		return result{m, unusable, err.Error(), time.Since(began)}
	}
	mutated, err := m.apply(string(original))
	if err == nil {
		err = os.WriteFile(path, []byte(mutated), 0o644)
	}
	if err != nil {
		return result{m, unusable, err.Error(), time.Since(began)}
	}
	v, detail := l.test(ctx, strings.Fields(m.tests), m.race)
	if v == survived && m.excuse != "" {
		v, detail = excused, m.excuse
	}
	if err := os.WriteFile(path, original, 0o644); err != nil {
		v, detail = unusable, err.Error()
	}
	return result{m, v, detail, time.Since(began)}
}

// apply returns the content of the file with m in it.
func (m *mutant) apply(content string) (string, error) {
	if n := strings.Count(content, m.old); n != 1 {
		return "", fmt.Errorf("the old text occurs %d times in %s: the code has moved on", n, m.file)
	}
	if m.old == m.new {
		return "", errors.New("the new text is the old one")
	}
	return strings.Replace(content, m.old, m.new, 1), nil
}

// test runs the tests of packages and says what failed, if anything did.
func (l *lab) test(ctx context.Context, packages []string, race bool) (verdict, string) {
	// Tests of allocations notice nearly every change, but not what is wrong with it.
	args := []string{"test", "-json", "-vet=off", "-count=1", "-failfast", "-skip", "Alloc", "-timeout", timeout.String()}
	if race {
		args = append(args, "-race")
	}
	if *check {
		args = append(args, "-run", "^$")
	}
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(ctx, *timeout+2*time.Minute) // tests may leave processes behind that hang
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = l.dir, &out, &errs, time.Second
	cmd.Env = append(os.Environ(), "GOWORK=off")
	switch err := cmd.Run(); {
	case err == nil && *check:
		return compiled, ""
	case err == nil:
		return survived, ""
	}
	if v, detail := judge(&out); v != "" {
		return v, detail
	}
	return unusable, errs.String()
}

// event is one of those that go test -json prints.
type event struct{ Action, Package, Test, Output, FailedBuild string }

// judge finds the first failure in the events of go test -json.
func judge(events *bytes.Buffer) (v verdict, detail string) {
	build, previous := "", ""
	for d := json.NewDecoder(events); ; {
		var e event
		if d.Decode(&e) != nil {
			return v, detail
		}
		switch {
		case e.Action == "build-output":
			build += e.Output
		case e.Action == "fail" && e.FailedBuild != "":
			return unusable, "does not compile: " + build
		case previous == "\trunning tests:\n": // when the timeout is over
			v, detail = caught, strings.Fields(e.Output + " ?")[0]+" (hung)"
		case e.Action == "fail" && v == "":
			v, detail = caught, e.Test
			if e.Test == "" {
				detail = "the end of " + filepath.Base(e.Package) + "'s tests" // TestMain, or a crash
			}
		}
		previous = e.Output
	}
}
