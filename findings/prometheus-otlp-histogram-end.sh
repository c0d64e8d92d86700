#!/usr/bin/env bash
# github.com/prometheus/prometheus v0.316.0 (Prometheus 3.16.0), OTLP receiver: a histogram's data point with the flag
# "no recorded value" ends only those series whose parts the point itself carries.
#
# The protocol's words are that such a point has no value, and a sender would leave bounds, counts and sum out. A good
# engineer would expect that the whole histogram ends with it. Here `_count` and the bucket `+Inf` get a stale marker, while
# `_sum` and all finite buckets keep their last value for as long as the look-back lasts (five minutes), so that averages and
# quantiles are wrong meanwhile. A sender must repeat the bounds, with zero counts and a sum, in the point that says that
# there is nothing.
#
# Seen (series that are stale after such a point):
#   without bounds and sum:  size_count size_bucket{le="+Inf"}
#   with them:               size_sum size_count size_bucket{le="1"} size_bucket{le="+Inf"}
# Needs Go. Exit status 0: still so; 1: it changed.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat >go.mod <<'MOD'
module finding

go 1.25.0

require github.com/prometheus/prometheus v0.316.0
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Keeps the names of the series that get a stale marker.
type staleSeries struct{ names []string }

func (s *staleSeries) Commit() error   { return nil }
func (s *staleSeries) Rollback() error { return nil }
func (s *staleSeries) Append(_ storage.SeriesRef, ls labels.Labels, _, _ int64, v float64, _ *histogram.Histogram,
	_ *histogram.FloatHistogram, _ storage.AppendV2Options) (storage.SeriesRef, error) {
	if !value.IsStaleNaN(v) {
		return 0, nil
	}
	name := ls.Get("__name__")
	if le := ls.Get("le"); le != "" {
		name += fmt.Sprintf("{le=%q}", le)
	}
	s.names = append(s.names, name)
	return 0, nil
}

func staleAfter(whole bool) string {
	metrics := pmetric.NewMetrics()
	metric := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("size")
	metric.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	point := metric.Histogram().DataPoints().AppendEmpty()
	point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	point.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	if whole {
		point.ExplicitBounds().FromRaw([]float64{1})
		point.BucketCounts().FromRaw([]uint64{0, 0})
		point.SetSum(0)
	}
	series := &staleSeries{}
	converter := prometheusremotewrite.NewPrometheusConverter(series)
	if _, err := converter.FromMetrics(context.Background(), metrics, prometheusremotewrite.Settings{}); err != nil {
		panic(err)
	}
	return strings.Join(series.names, " ")
}

func main() {
	fmt.Println(staleAfter(false))
	fmt.Println(staleAfter(true))
}
GO
go mod tidy >/dev/null 2>tidy.log || { cat tidy.log; exit 1; }
got=$(go run . 2>run.log) || { cat run.log; exit 1; }
echo "$got"
expected='size_count size_bucket{le="+Inf"}
size_sum size_count size_bucket{le="1"} size_bucket{le="+Inf"}'
[[ "$got" == "$expected" ]]
