// Package names is a name server for tests.
package names

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

// Server knows one IPv4 address, which every name stands for. It speaks DNS as
// over TCP.
type Server struct{ address atomic.Pointer[netip.Addr] }

// Point makes every name stand for an IPv4 address from now on.
func (s *Server) Point(address string) {
	parsed := netip.MustParseAddr(address)
	s.address.Store(&parsed)
}

// Resolver asks the server within this process. It remembers nothing.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go s.serve(far)
		return near, nil
	}}
}

// Serve answers all that connect to a listener, until it is closed.
func (s *Server) Serve(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go s.serve(connection)
	}
}

// serve answers what is asked on a connection until it ends.
func (s *Server) serve(connection net.Conn) {
	defer connection.Close() //nolint:errcheck // all is said
	for {
		var length [2]byte
		if _, err := io.ReadFull(connection, length[:]); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint16(length[:]))
		var message dnsmessage.Message
		if _, err := io.ReadFull(connection, text); err != nil || message.Unpack(text) != nil || len(message.Questions) != 1 {
			return
		}
		message.Response, message.Additionals = true, nil
		if question := message.Questions[0]; question.Type == dnsmessage.TypeA {
			message.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 3600},
				Body:   &dnsmessage.AResource{A: s.address.Load().As4()},
			}}
		}
		answer, err := message.AppendPack(make([]byte, 2))
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(answer, uint16(len(answer)-2)) //nolint:gosec // a name and an address
		if _, err := connection.Write(answer); err != nil {
			return
		}
	}
}
