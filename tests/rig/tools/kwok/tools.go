//go:build tools

// Package tools names the command that this module pins; nothing here is compiled into anything.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
