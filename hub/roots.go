package hub

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errNoCertificate is for a place where there should be some.
var errNoCertificate = errors.New("no certificate in PEM form is there")

// Roots reads the certificates of the authorities that are trusted to say who
// the hub is, where SSL_CERT_FILE or SSL_CERT_DIR names them; each stands for
// the system's own places of its kind, as in Go. But Go reads them once in the
// life of a process, and takes what it cannot read for nothing. Where neither
// is set, Roots returns nil: what the system trusts. getenv is [os.Getenv].
//
// A directory without certificates is no mistake beside SSL_CERT_FILE: it says
// that none but those in the file are trusted.
func Roots(getenv func(string) string) (*x509.CertPool, error) {
	file, dirs := getenv("SSL_CERT_FILE"), getenv("SSL_CERT_DIR")
	if file == "" && dirs == "" {
		return nil, nil //nolint:nilnil // as said above
	}
	roots := x509.NewCertPool()
	if file == "" {
		// In Go's order, and the first alone, as Go does.
		_ = slices.ContainsFunc([]string{
			"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
			"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
		}, func(path string) bool { return addFile(roots, path) == nil })
	} else if err := addFile(roots, file); err != nil {
		return nil, unusableRoots("SSL_CERT_FILE", file, err)
	}
	if dirs == "" {
		for _, dir := range []string{"/etc/ssl/certs", "/etc/pki/tls/certs"} {
			_ = addDirectory(roots, dir) // which need not be there
		}
		return roots, nil
	}
	for dir := range strings.SplitSeq(strings.Trim(dirs, ":"), ":") {
		if err := addDirectory(roots, dir); err != nil && (file == "" || !errors.Is(err, errNoCertificate)) {
			return nil, unusableRoots("SSL_CERT_DIR", dir, err)
		}
	}
	return roots, nil
}

// unusableRoots says what is wrong with a variable of the environment. The path
// is quoted, since it may hold a line break.
func unusableRoots(name, path string, err error) error {
	if at, ok := errors.AsType[*os.PathError](err); ok {
		err = at.Err
	}
	return fmt.Errorf("%s %q: %w: name the certificates of the authorities that the hub is trusted by, or take the variable out", name, path, err)
}

// addFile adds the certificates in a file.
func addFile(roots *x509.CertPool, path string) error {
	file, err := openRegular(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only: nothing is lost
	text, err := io.ReadAll(file)
	if err == nil && !roots.AppendCertsFromPEM(text) {
		err = errNoCertificate
	}
	return err
}

// addDirectory adds the certificates in all files of a directory. As Go does, it
// passes over files that it cannot read.
func addDirectory(roots *x509.CertPool, path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	err = errNoCertificate
	for _, entry := range entries {
		file := filepath.Join(path, entry.Name())
		if target, linkErr := os.Readlink(file); linkErr == nil && !strings.Contains(target, "/") {
			continue // another name of a file beside it
		}
		if addFile(roots, file) == nil {
			err = nil
		}
	}
	return err
}
