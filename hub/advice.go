package hub

import (
	"strconv"

	"payple_exporter/internal/lang"
)

// Problem tells a person in a few words why there are no new figures, with the
// hub's result code or HTTP status where there is one. [Error.Error] says more,
// for logs, in English only.
func (e *Error) Problem() lang.Text {
	problem := e.Reason.problem()
	if known, ok := lookUpCode(e.Code); ok {
		problem = known.meaning
	}
	shown := e.Code
	if shown == "" && (e.Reason == ReasonHTTPStatus || e.Reason == ReasonRateLimited) && e.Status != 0 {
		shown = "HTTP " + strconv.Itoa(e.Status)
	}
	if shown == "" {
		return problem
	}
	return lang.Text{English: problem.English + " (" + shown + ")", Korean: problem.Korean + " (" + shown + ")"}
}

// Action tells what a person must do about the error, in one sentence.
func (e *Error) Action() lang.Text {
	if known, ok := lookUpCode(e.Code); ok {
		return known.action
	}
	return e.Reason.Action()
}

// problem says what a reason means.
func (r Reason) problem() lang.Text {
	switch r {
	case ReasonTimeout:
		return lang.Text{English: "the hub did not answer in time", Korean: "허브가 제시간에 응답하지 않음"}
	case ReasonNetwork:
		return lang.Text{English: "the hub cannot be reached", Korean: "허브에 연결할 수 없음"}
	case ReasonTLS:
		return lang.Text{English: "the connection to the hub cannot be trusted", Korean: "허브와의 보안 연결(TLS)을 신뢰할 수 없음"}
	case ReasonHTTPStatus:
		return lang.Text{English: "the hub answered with an error", Korean: "허브가 오류로 응답함"}
	case ReasonRateLimited:
		return lang.Text{English: "the hub limits our requests", Korean: "요청이 너무 잦아 허브가 제한함"}
	case ReasonAuth:
		return lang.Text{English: "key refused", Korean: "인증 거부됨"}
	case ReasonIPNotAllowed:
		return lang.Text{English: "this address is not on the White IP list", Korean: "이 서버의 IP 주소가 White IP 목록에 없음"}
	case ReasonRejected:
		return lang.Text{English: "the hub refused the request", Korean: "허브가 요청을 거부함"}
	case ReasonInvalidResponse:
		return lang.Text{English: "the hub's answer is not valid", Korean: "허브의 응답 형식이 올바르지 않음"}
	case ReasonConfig:
		return lang.Text{English: "there is nothing usable to ask with", Korean: "조회에 필요한 설정이 올바르지 않음"}
	}
	return lang.Text{}
}

// Action tells what a person must do about a reason, in one sentence.
func (r Reason) Action() lang.Text {
	switch r {
	case ReasonTimeout:
		return lang.Text{
			English: "check the way to the hub (proxy, firewall); if it answers slowly, raise --payple.timeout",
			Korean:  "허브까지의 경로(프록시, 방화벽)를 확인하세요. 응답이 느린 것이라면 --payple.timeout 값을 늘리세요",
		}
	case ReasonNetwork:
		return lang.Text{
			English: "check name resolution, proxy (HTTPS_PROXY) and firewall between here and the hub",
			Korean:  "이 서버와 허브 사이의 DNS, 프록시(HTTPS_PROXY), 방화벽을 확인하세요",
		}
	case ReasonTLS:
		return lang.Text{
			English: "check the CA certificates, the clock of this machine, and whether a proxy on the way decrypts the connection",
			Korean:  "CA 인증서와 이 서버의 시각, 그리고 중간에서 TLS 연결을 가로채는(복호화하는) 프록시가 있는지 확인하세요",
		}
	case ReasonHTTPStatus:
		return lang.Text{
			English: "wait; if it lasts, check the hub's address and call Payple",
			Korean:  "잠시 기다리세요. 계속되면 허브 주소를 확인하고 페이플에 문의하세요",
		}
	case ReasonRateLimited:
		return lang.Text{
			English: "wait; if it lasts, raise --payple.min-interval and look for others who ask with this partner id",
			Korean:  "잠시 기다리세요. 계속되면 --payple.min-interval 값을 늘리고, 같은 파트너 ID로 조회하는 곳이 더 있는지 확인하세요",
		}
	case ReasonAuth:
		return checkCredentials()
	case ReasonIPNotAllowed:
		return registerAddress()
	case ReasonRejected:
		return lang.Text{
			English: "wait; if it lasts, call Payple and name the result code",
			Korean:  "잠시 기다리세요. 계속되면 결과 코드를 알려 페이플에 문의하세요",
		}
	case ReasonInvalidResponse:
		return lang.Text{
			English: "check the hub's address, and whether a proxy on the way changes the answer, then call Payple",
			Korean:  "허브 주소가 맞는지, 중간의 프록시가 응답을 바꾸지 않는지 확인한 뒤 페이플에 문의하세요",
		}
	case ReasonConfig:
		return lang.Text{
			English: "check the configuration: where the key is read from, and the partner id",
			Korean:  "설정을 확인하세요. 키를 읽어 오는 위치와 파트너 ID가 맞는지 보세요",
		}
	}
	return lang.Text{}
}

func checkCredentials() lang.Text {
	return lang.Text{
		English: "check cst_id and custKey, and whether they belong to the test or the real hub",
		Korean:  "cst_id와 custKey를 확인하고, 테스트 허브용인지 운영 허브용인지 확인하세요",
	}
}

func registerAddress() lang.Text {
	return lang.Text{
		English: "have Payple register this machine's egress address on the partner's White IP list",
		Korean:  "이 서버에서 외부로 나가는 IP 주소를 파트너의 White IP 목록에 등록해 달라고 페이플에 요청하세요",
	}
}

// knownCode is what is known of a result code.
type knownCode struct {
	reason  Reason
	meaning lang.Text
	action  lang.Text
}

// lookUpCode returns what hub documentation and integrations tell of a code.
func lookUpCode(code string) (knownCode, bool) {
	switch code {
	case "T0200":
		return knownCode{
			ReasonConfig,
			lang.Text{English: "cst_id is missing", Korean: "cst_id가 없음"},
			lang.Text{English: "set the partner id", Korean: "파트너 ID를 설정하세요"},
		}, true
	case "T0201":
		return knownCode{
			ReasonConfig,
			lang.Text{English: "custKey is missing", Korean: "custKey가 없음"},
			lang.Text{English: "check where the key is read from", Korean: "키를 읽어 오는 위치를 확인하세요"},
		}, true
	case "T0210", "T0211":
		return knownCode{
			ReasonRejected,
			lang.Text{English: "the request's code is missing or malformed", Korean: "요청의 code 값이 없거나 형식이 틀림"},
			lang.Text{English: "report a bug of payple_exporter", Korean: "payple_exporter의 버그이니 제보해 주세요"},
		}, true
	case "T0300":
		return knownCode{
			ReasonAuth,
			lang.Text{English: "unknown partner, or a key of another", Korean: "등록되지 않은 파트너이거나 키가 일치하지 않음"},
			checkCredentials(),
		}, true
	case "T0310":
		return knownCode{ReasonIPNotAllowed, ReasonIPNotAllowed.problem(), registerAddress()}, true
	case "T0320":
		return knownCode{
			ReasonAuth,
			lang.Text{English: "the token belongs to another partner", Korean: "다른 파트너의 토큰임"},
			lang.Text{
				English: "check that no two merchants share a key or a partner id",
				Korean:  "키나 파트너 ID를 함께 쓰는 가맹점이 있는지 확인하세요",
			},
		}, true
	case "T0322":
		return knownCode{
			ReasonAuth,
			lang.Text{English: "the id is no registered partner of this service", Korean: "이 서비스에 등록되지 않은 파트너 ID임"},
			lang.Text{
				English: "have Payple check the contract for the payout service",
				Korean:  "지급이체 서비스 계약 상태를 페이플에 확인하세요",
			},
		}, true
	case "A0003", "A0007", "A0017":
		return knownCode{
			ReasonRejected,
			lang.Text{English: "error or time-out at the institution", Korean: "금융기관 오류 또는 응답 지연"},
			lang.Text{English: "wait; if it lasts, call Payple", Korean: "잠시 기다리세요. 계속되면 페이플에 문의하세요"},
		}, true
	case "A0009":
		return knownCode{
			ReasonRejected,
			lang.Text{English: "the institution refused the request", Korean: "금융기관이 요청을 거부함"},
			lang.Text{English: "wait, then call Payple", Korean: "잠시 기다린 뒤 페이플에 문의하세요"},
		}, true
	case "T0996", "T0997":
		return knownCode{
			ReasonRejected,
			lang.Text{English: "bank maintenance", Korean: "은행 점검 중"},
			lang.Text{English: "wait until the maintenance ends", Korean: "점검이 끝날 때까지 기다리세요"},
		}, true
	}
	return knownCode{}, false
}
