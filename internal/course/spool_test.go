package course_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/course"
)

// What waits goes to the disk, and what is there comes back, by these rows.
func TestSpool(t *testing.T) {
	now := time.Unix(1000, 0)
	held := func(c *course.Course[string], seq uint64, stored, fails bool) {
		h := course.Held[string]{Seq: seq, Stored: stored}
		if fails {
			c.Failed(h, course.Failure{}, now.Add(-time.Minute))
			return
		}
		c.Hold(h)
	}
	on := func(s course.Spool) course.Spool {
		s.On = true
		return s
	}
	tests := []struct {
		name  string
		held  func(c *course.Course[string])
		facts course.Facts
		want  course.Decision
	}{
		{
			"WellAndEmpty", nil,
			course.Facts{Waiting: 3, Pressed: true, Spool: on(course.Spool{})},
			course.Decision{Act: course.Try, From: course.Queue, N: 8},
		},
		{
			"RefusedWithRoom", nil,
			course.Facts{Waiting: 3, Next: course.Refused, Retry: time.Second, Spool: on(course.Spool{})},
			course.Decision{Act: course.Rest, Wait: time.Second, Each: true},
		},
		{
			"RefusedAndPressed", nil,
			course.Facts{Waiting: 30, Pressed: true, Next: course.Refused, Spool: on(course.Spool{})},
			course.Decision{Act: course.Store, From: course.Queue, N: 8},
		},
		{
			"HungAndPressed", nil,
			course.Facts{Waiting: 30, Pressed: true, Next: course.Hung, Spool: on(course.Spool{})},
			course.Decision{Act: course.Store, From: course.Queue, N: 8},
		},
		{
			"WhatWasTriedGoesFirst", func(c *course.Course[string]) { held(c, 5, false, true); held(c, 6, false, true) },
			course.Facts{Waiting: 30, Pressed: true, Next: course.Refused, Spool: on(course.Spool{})},
			course.Decision{Act: course.Store, From: 0, N: 2},
		},
		{
			"WhatComesLaterFollows", nil,
			course.Facts{Waiting: 1, Next: course.Refused, Spool: on(course.Spool{Some: true, More: true})},
			course.Decision{Act: course.Store, From: course.Queue, N: 8},
		},
		{
			"TheDiskComesFirst", nil,
			course.Facts{Waiting: 3, Next: course.Unasked, Spool: on(course.Spool{Some: true, More: true})},
			course.Decision{Act: course.Load, N: 8},
		},
		{
			"WhatWasLoadedIsTried", func(c *course.Course[string]) { held(c, 1, true, false); held(c, 9, false, false) },
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true})},
			course.Decision{Act: course.Try, From: 0, N: 1},
		},
		{
			"WhatIsDoneIsRemoved", nil,
			course.Facts{Spool: on(course.Spool{Done: true})},
			course.Decision{Act: course.Load},
		},
		{
			"BeforeWhatWasLoadedWithItIsTried", func(c *course.Course[string]) { held(c, 2, true, false) },
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Done: true})},
			course.Decision{Act: course.Load},
		},
		{
			"AlsoBesideATornRecord", func(c *course.Course[string]) {
				c.Failed(course.Held[string]{Seq: 2, Stored: true}, course.Failure{Torn: true}, now)
			},
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Done: true})},
			course.Decision{Act: course.Load},
		},
		{
			"MoreWhileOneIsAtFault", func(c *course.Course[string]) { held(c, 1, true, true); c.Taken(2, 8, now) },
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true})},
			course.Decision{Act: course.Load, N: 8},
		},
		{
			"TheDiskGivesNoMore", func(c *course.Course[string]) {
				c.Failed(course.Held[string]{Seq: 1, Stored: true}, course.Failure{}, now)
				c.Taken(2, 8, now)
			},
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Full: true})},
			course.Decision{Act: course.Rest, Wait: course.MinPause, Each: true},
		},
		{
			"ADiskThatHangsHoldsUpWhatIsYounger", nil,
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Way: course.Hung})},
			course.Decision{Act: course.Rest, Busy: true},
		},
		{
			"WhatComesBehindABrokenDiskEndsNoRest", func(c *course.Course[string]) {
				c.Failed(course.Held[string]{Seq: 1, Stored: true}, course.Failure{}, now)
				c.Taken(2, 8, now)
			},
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Way: course.Refused})},
			course.Decision{Act: course.Rest, Wait: course.MinPause, Busy: true},
		},
		{
			"ABrokenDiskLeavesTheRecordsInMemory", nil,
			course.Facts{Waiting: 30, Pressed: true, Next: course.Refused, Retry: time.Second, Spool: on(course.Spool{Way: course.Refused})},
			course.Decision{Act: course.Rest, Wait: time.Second, Busy: true},
		},
		{
			"WhatIsOlderThanTheDiskStaysInMemory", func(c *course.Course[string]) {
				c.Hold(course.Held[string]{Seq: 1, Older: true, Attempts: 1}, course.Held[string]{Seq: 7, Attempts: 1})
			},
			course.Facts{Waiting: 3, Next: course.Refused, Spool: on(course.Spool{Some: true, More: true})},
			course.Decision{Act: course.Store, From: 1, N: 1},
		},
		{
			"AFullDiskIsReadFirst", nil,
			course.Facts{Waiting: 30, Pressed: true, Next: course.Unasked, Spool: on(course.Spool{Some: true, More: true, Shut: true})},
			course.Decision{Act: course.Load, N: 8},
		},
		{
			"ButNotWhileNextIsAway", nil,
			course.Facts{Waiting: 30, Pressed: true, Next: course.Refused, Spool: on(course.Spool{Some: true, More: true, Shut: true})},
			course.Decision{Act: course.Store, From: course.Queue, N: 8},
		},
		{
			"WhatIsYoungerThanABrokenDiskIsNotTried", func(c *course.Course[string]) {
				c.Failed(course.Held[string]{Seq: 1, Stored: true}, course.Failure{}, now)
				held(c, 9, false, false)
				c.Taken(2, 8, now)
			},
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Way: course.Refused})},
			course.Decision{Act: course.Rest, Wait: course.MinPause, Busy: true},
		},
		{
			"NorInAProbe", func(c *course.Course[string]) {
				held(c, 1, true, true)
				held(c, 9, false, false)
				c.Decide(course.Facts{Now: now, Probe: true, Fallback: course.Missing})
				c.Failed(c.Take(nil, 0, 1)[0], course.Failure{}, now)
			},
			course.Facts{Waiting: 3, Probe: true, Spool: on(course.Spool{Some: true, More: true, Way: course.Refused})},
			course.Decision{Act: course.EndProbe},
		},
		{
			"NorInAShutdown", func(c *course.Course[string]) { c.Drain(false); held(c, 9, false, false) },
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Way: course.Busy})},
			course.Decision{Act: course.Rest, Busy: true},
		},
		{
			"NorWithWhatIsOlder", func(c *course.Course[string]) {
				c.Drain(false)
				c.Hold(course.Held[string]{Seq: 1, Older: true}, course.Held[string]{Seq: 2, Older: true}, course.Held[string]{Seq: 9})
			},
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Way: course.Busy})},
			course.Decision{Act: course.Try, From: 0, N: 2},
		},
		{
			"ShutdownWithLittleTime", func(c *course.Course[string]) { c.Drain(false) },
			course.Facts{Waiting: 3, Spool: on(course.Spool{Late: true})},
			course.Decision{Act: course.Store, From: course.Queue, N: 8},
		},
		{
			"ShutdownAfterOneFailure", func(c *course.Course[string]) { c.Drain(true); held(c, 1, false, true) },
			course.Facts{Waiting: 3, Spool: on(course.Spool{})},
			course.Decision{Act: course.Store, From: 0, N: 1},
		},
		{
			"ShutdownWithABrokenDisk", func(c *course.Course[string]) { c.Drain(false) },
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true, More: true, Way: course.Refused})},
			course.Decision{Act: course.Try, From: course.Queue, N: 8},
		},
		{
			"ShutdownReadsTheDiskFirst", func(c *course.Course[string]) { c.Drain(false); held(c, 9, false, false) },
			course.Facts{Waiting: 30, Pressed: true, Spool: on(course.Spool{Some: true, More: true})},
			course.Decision{Act: course.Load, N: 8},
		},
		{
			"ThoughItBeganInAnOutage", func(c *course.Course[string]) { held(c, 1, true, true); c.Drain(true) },
			course.Facts{Waiting: 3, Spool: on(course.Spool{Some: true})},
			course.Decision{Act: course.Try, From: 0, N: 1},
		},
		{
			"ShutdownAfterOneFailureLeavesTheDiskAlone", func(c *course.Course[string]) {
				c.Drain(false)
				held(c, 1, true, true)
				held(c, 2, true, false)
			},
			course.Facts{Spool: on(course.Spool{Some: true, More: true, Done: true})},
			course.Decision{Act: course.Rest},
		},
		{
			"AlsoWhatIsAtFault", func(c *course.Course[string]) {
				c.Failed(course.Held[string]{Seq: 1, Stored: true}, course.Failure{}, now.Add(-time.Minute))
				c.Taken(2, 8, now)
				c.Drain(false)
			},
			course.Facts{Spool: on(course.Spool{Some: true, Late: true})},
			course.Decision{Act: course.Rest},
		},
		{
			"ShutdownWaitsForACallThatIsOnlySlow", func(c *course.Course[string]) { c.Drain(false) },
			course.Facts{Waiting: 3, Next: course.Busy, Spool: on(course.Spool{Some: true, More: true})},
			course.Decision{Act: course.Rest, Each: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &course.Course[string]{MaxAttempts: 3}
			if tt.held != nil {
				tt.held(c)
			}
			tt.facts.Now, tt.facts.Batch, tt.facts.Fallback = now, 8, course.Missing
			assert.Equal(t, tt.want, c.Decide(tt.facts))
		})
	}
}

// What has gone from the disk is not held either, but for what the destination has a part of.
func TestGone(t *testing.T) {
	c := &course.Course[string]{}
	for seq := range uint64(4) {
		c.Hold(course.Held[string]{Seq: seq, Stored: seq > 0})
	}
	c.Failed(c.Take(nil, 1, 1)[0], course.Failure{Torn: true}, time.Unix(1000, 0))
	var gone []uint64
	c.Gone(3, func(h *course.Held[string]) { gone = append(gone, h.Seq) })
	assert.Equal(t, []uint64{1, 2}, gone)
	assert.Equal(t, 3, c.Len())
	assert.Equal(t, 1, c.Stored())
	assert.True(t, c.At(1).Torn())
	assert.False(t, c.At(1).Stored)
}
