//go:build race

package asynchandler_test

const raceEnabled = true
