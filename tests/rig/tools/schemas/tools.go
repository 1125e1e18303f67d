// Package tools is empty: only the files of the modules in go.mod are wanted, not their code.
package tools
