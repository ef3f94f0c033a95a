package check

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"syscall"

	"payple_exporter/hub"
	"payple_exporter/internal/advice"
	"payple_exporter/internal/lang"
)

// Advice is what a person is told about a failure: what went wrong, in a few
// words, and what to do, in one sentence.
type Advice struct{ Problem, Action lang.Text }

// Advise tells of a failure by the step of its query that failed. That says
// more than [advice.Problem] and [advice.Action], which know the reason alone:
// they cannot tell a name that does not exist from a proxy that is down.
//
// What it says names addresses, but never a proxy's user and password.
func Advise(failure *hub.Error, steps []StepReport) Advice {
	for _, step := range steps {
		if step.State != StepFailed {
			continue
		}
		if more, ok := step.advise(failure); ok {
			return more
		}
	}
	return Advice{advice.Problem(failure), advice.Action(failure)}
}

// advise returns what is known of a step that failed so, if there is more than
// the failure itself tells.
func (r StepReport) advise(failure *hub.Error) (Advice, bool) {
	switch r.Step {
	case StepKey:
		return adviseKey(failure.Unwrap()), true
	case StepAddress:
		return adviseAddress(r.Target), true
	case StepProxy:
		return adviseProxy(r.Target, failure), true
	case StepConnection:
		return adviseConnection(r.Target, failure.Unwrap()), r.Target != ""
	case StepTLS:
		return brokenTLS(), failure.Reason == hub.ReasonNetwork
	case StepToken, StepRemain:
		return adviseRequest(failure)
	}
	return Advice{}, false
}

func adviseKey(cause error) Advice {
	_, empty := errors.AsType[hub.EmptyKeyError](cause)
	_, odd := errors.AsType[hub.OddKeyError](cause)
	switch {
	case odd:
		return Advice{
			lang.Text{English: "what stands where the key should be cannot be a key", Korean: "키 자리에 키로 쓸 수 없는 내용이 들어 있음"},
			lang.Text{
				English: "write the custKey there alone, in one line of plain text, without a byte order mark, control and invisible characters",
				Korean:  "custKey만 한 줄로 저장하세요. BOM, 제어 문자, 보이지 않는 문자가 들어가면 안 됩니다.",
			},
		}
	case errors.Is(cause, hub.ErrNotRegular):
		return Advice{
			lang.Text{English: "the key file is no regular file", Korean: "키 파일이 일반 파일이 아님(디렉터리, 파이프 등)"},
			lang.Text{
				English: "put the custKey into a file that stays: it is read again for every token",
				Korean:  "키는 토큰을 발급받을 때마다 다시 읽으므로, 계속 남아 있는 일반 파일에 custKey를 저장하세요.",
			},
		}
	case empty:
		return Advice{
			lang.Text{English: "there is no key where it should be", Korean: "키가 비어 있음"},
			lang.Text{
				English: "put the custKey that Payple gave you there",
				Korean:  "해당 위치에 페이플에서 발급받은 custKey를 넣으세요.",
			},
		}
	case errors.Is(cause, hub.ErrNameNotShown):
		return Advice{
			lang.Text{English: "there is no such key file", Korean: "지정한 키 파일이 없음"},
			lang.Text{
				English: "name the file by its whole path; if the key itself stands there, put it into a file",
				Korean:  "키 파일을 전체 경로로 지정하세요. 경로 대신 키를 적었다면, 키를 파일로 옮기고 그 파일의 경로를 적으세요.",
			},
		}
	case errors.Is(cause, fs.ErrNotExist):
		return Advice{
			lang.Text{English: "the key file does not exist", Korean: "키 파일이 없음"},
			lang.Text{
				English: "name the file by its right path (--payple.cust-key-file, cust_key_file), or write the custKey there",
				Korean:  "키 파일의 경로(--payple.cust-key-file, cust_key_file)를 바로잡거나, 그 경로에 custKey를 담은 파일을 만드세요.",
			},
		}
	case errors.Is(cause, fs.ErrPermission):
		return Advice{
			lang.Text{English: "this user may not read the key file", Korean: "실행 사용자에게 키 파일 읽기 권한이 없음"},
			lang.Text{
				English: "let the user that runs payple_exporter read the file, and nobody else",
				Korean:  "payple_exporter를 실행하는 사용자만 이 파일을 읽을 수 있게 권한을 설정하세요.",
			},
		}
	}
	return Advice{
		lang.Text{English: "the key cannot be read", Korean: "키를 읽을 수 없음"},
		lang.Text{
			English: "see that the custKey stands there as text, and nothing else",
			Korean:  "해당 위치에 custKey만 텍스트로 들어 있는지 확인하세요.",
		},
	}
}

func adviseAddress(target string) Advice {
	return Advice{
		with(lang.Text{English: "the name %s cannot be resolved", Korean: "%s의 IP 주소를 찾을 수 없음(DNS)"}, hostOf(target)),
		lang.Text{
			English: "check the hub's address for a misspelling, and the name servers of this machine; if only a proxy leads outside, set HTTPS_PROXY",
			Korean:  "허브 주소에 오타가 없는지, 이 서버의 DNS 설정이 올바른지 확인하세요. 프록시를 거쳐야 외부에 접속할 수 있다면 HTTPS_PROXY를 설정하세요.",
		},
	}
}

// hostOf returns the name in a host and port.
func hostOf(target string) string {
	if host, _, err := net.SplitHostPort(target); err == nil {
		return host
	}
	return target
}

func adviseProxy(proxy string, failure *hub.Error) Advice {
	refusal, refused := errors.AsType[hub.ProxyError](failure.Unwrap())
	_, unresolved := errors.AsType[*net.DNSError](failure.Unwrap())
	switch {
	case proxy == "":
		return Advice{
			lang.Text{English: "HTTPS_PROXY holds no address of a proxy", Korean: "HTTPS_PROXY의 값이 프록시 주소가 아님"},
			lang.Text{
				English: "set HTTPS_PROXY to an address such as http://proxy.example:3128",
				Korean:  "HTTPS_PROXY에 http://proxy.example:3128 형식의 주소를 설정하세요.",
			},
		}
	case refused:
		return adviseRefusal(proxy, refusal)
	case unresolved:
		return Advice{
			with(lang.Text{English: "the name of the proxy %s cannot be resolved", Korean: "프록시 %s의 IP 주소를 찾을 수 없음(DNS)"}, proxy),
			lang.Text{
				English: "check HTTPS_PROXY for a misspelling, and the name servers of this machine",
				Korean:  "HTTPS_PROXY에 오타가 없는지, 이 서버의 DNS 설정이 올바른지 확인하세요.",
			},
		}
	case failure.Reason == hub.ReasonTLS:
		return Advice{
			with(lang.Text{English: "the connection to the proxy %s cannot be trusted", Korean: "프록시 %s의 TLS 연결을 신뢰할 수 없음"}, proxy),
			lang.Text{
				English: "check the CA certificates and the clock of this machine, and whether the proxy wants http:// in HTTPS_PROXY",
				Korean:  "CA 인증서와 이 서버의 시각을 확인하고, HTTPS_PROXY의 주소를 http://로 시작하게 적어야 하는 것은 아닌지 확인하세요.",
			},
		}
	}
	return Advice{
		with(lang.Text{English: "the proxy %s does not answer", Korean: "프록시 %s에서 응답이 없음"}, proxy),
		lang.Text{
			English: "check HTTPS_PROXY, and whether the proxy runs and this machine may connect to it",
			Korean:  "HTTPS_PROXY의 값이 맞는지, 프록시가 실행 중이고 이 서버에서 접속할 수 있는지 확인하세요.",
		},
	}
}

// adviseRefusal tells of a proxy that answers, and does not connect.
func adviseRefusal(proxy string, refusal hub.ProxyError) Advice {
	if refusal.Status == http.StatusProxyAuthRequired {
		return Advice{
			with(lang.Text{English: "the proxy %s wants a user name and a password", Korean: "프록시 %s에서 사용자 이름과 비밀번호를 요구함"}, proxy),
			lang.Text{
				English: "put the right ones into HTTPS_PROXY: http://user:password@host:port",
				Korean:  "HTTPS_PROXY에 http://user:password@host:port 형식으로 올바른 값을 설정하세요.",
			},
		}
	}
	return Advice{
		with(lang.Text{English: "the proxy %s does not connect to the hub (HTTP %d)", Korean: "프록시 %s에서 허브로 연결하지 못함(HTTP %d)"}, proxy, refusal.Status),
		lang.Text{
			English: "have those who run the proxy see that it may connect to the hub, and can",
			Korean:  "프록시 담당자에게 허브 연결이 허용되어 있고 실제로 연결되는지 확인을 요청하세요.",
		},
	}
}

func adviseConnection(target string, cause error) Advice {
	if errors.Is(cause, syscall.ECONNREFUSED) {
		return Advice{
			with(lang.Text{English: "nothing listens at %s", Korean: "%s에 연결할 수 없음(연결 거부)"}, target),
			lang.Text{
				English: "check the hub's address and port (--payple.hub), and whether a firewall on the way refuses the connection",
				Korean:  "허브의 주소와 포트(--payple.hub)가 맞는지, 중간의 방화벽이 연결을 거부하는지 확인하세요.",
			},
		}
	}
	return Advice{
		with(lang.Text{English: "no connection to %s", Korean: "%s에 연결할 수 없음"}, target),
		lang.Text{
			English: "have the firewalls on the way let this machine connect to that address; if only a proxy leads outside, set HTTPS_PROXY",
			Korean:  "이 서버에서 해당 주소로 나가는 연결을 방화벽에서 허용하세요. 프록시를 거쳐야 외부에 접속할 수 있다면 HTTPS_PROXY를 설정하세요.",
		},
	}
}

// brokenTLS is about a handshake that was neither refused nor distrusted.
func brokenTLS() Advice {
	return Advice{
		lang.Text{English: "the connection broke off before the hub had proved who it is", Korean: "TLS 연결을 맺는 도중에 연결이 끊김"},
		lang.Text{
			English: "check whether a firewall or a proxy on the way cuts TLS connections to the hub",
			Korean:  "중간의 방화벽이나 프록시가 허브로 가는 TLS 연결을 끊는지 확인하세요.",
		},
	}
}

// adviseRequest is about a request on a connection that was good until then.
func adviseRequest(failure *hub.Error) (Advice, bool) {
	switch failure.Reason {
	case hub.ReasonNetwork:
		return Advice{
			lang.Text{English: "the connection broke off before the hub had answered", Korean: "허브가 응답하기 전에 연결이 끊김"},
			lang.Text{
				English: "try again; if it lasts, check the firewalls and proxies on the way, then call Payple",
				Korean:  "다시 시도하세요. 계속되면 중간의 방화벽과 프록시를 확인한 뒤 페이플에 문의하세요.",
			},
		}, true
	case hub.ReasonTimeout:
		return Advice{
			advice.Problem(failure),
			lang.Text{
				English: "the connection is good, so try again; if the hub stays slow, raise --payple.timeout, then call Payple",
				Korean:  "연결은 정상이므로 다시 시도하세요. 계속 느리면 --payple.timeout 값을 늘리고, 그래도 응답이 없으면 페이플에 문의하세요.",
			},
		}, true
	default:
		return Advice{}, false
	}
}

// with fills in the verbs of a text.
func with(text lang.Text, args ...any) lang.Text {
	return lang.Text{English: fmt.Sprintf(text.English, args...), Korean: fmt.Sprintf(text.Korean, args...)}
}
