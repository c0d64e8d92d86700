#!/usr/bin/env bash
# github.com/prometheus/prometheus v0.316.0 (Prometheus 3.16.0): its OpenMetrics parser, asked for type and unit labels,
# gives a family without "# UNIT" the unit of the family before it.
#
# A good engineer would expect that metadata ends with its family, as TYPE does: in the same page the type of the second
# family is its own. So an exporter that writes units for some families only gets wrong `__unit__` labels on all others,
# as soon as a Prometheus has the feature `type-and-unit-labels` on. An empty unit, "# UNIT name ", ends it.
#
# Seen:
#   with UNIT for the first family only:  {__name__="build_info", __type__="gauge", __unit__="seconds"}
#   with an empty UNIT for the second:    {__name__="build_info", __type__="gauge"}
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
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

const withUnit = "# TYPE busy_seconds gauge\n# UNIT busy_seconds seconds\nbusy_seconds 1.5\n"

func lastSeries(page string) string {
	parser := textparse.NewOpenMetricsParser([]byte(page), labels.NewSymbolTable(),
		textparse.WithOMParserTypeAndUnitLabels())
	last := ""
	for {
		entry, err := parser.Next()
		if err != nil {
			return last
		}
		if entry == textparse.EntrySeries {
			var series labels.Labels
			parser.Labels(&series)
			last = series.String()
		}
	}
}

func main() {
	fmt.Println(lastSeries(withUnit + "# TYPE build_info gauge\nbuild_info 1\n# EOF\n"))
	fmt.Println(lastSeries(withUnit + "# TYPE build_info gauge\n# UNIT build_info \nbuild_info 1\n# EOF\n"))
}
GO
go mod tidy >/dev/null 2>tidy.log || { cat tidy.log; exit 1; }
got=$(go run . 2>run.log) || { cat run.log; exit 1; }
echo "$got"
inherited=$(sed -n 1p <<<"$got")
ended=$(sed -n 2p <<<"$got")
[[ "$inherited" == *'build_info'*'__unit__="seconds"'* && "$ended" == *build_info* && "$ended" != *__unit__* ]]
