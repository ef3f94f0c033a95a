package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"payple_exporter/internal/test/programs"

	"golang.org/x/sync/errgroup"
)

// How the exporter is run, and how long it may take to recover.
const (
	minInterval  = time.Second // the shortest that it takes
	maxAge       = 20 * time.Second
	queryTimeout = 2 * time.Second
	warmUp       = 15 * time.Second
	// recovery is the longest backoff, one minute, and some queries.
	recovery = 75 * time.Second
	// usualRecovery is left for it at a round's end.
	usualRecovery = 40 * time.Second
)

// soak is one run.
type soak struct {
	options options
	backend *backend
	process *programs.Process
	scraper *scraper
	// scrapers are the random sources of those that scrape at the same time.
	scrapers []*rand.Rand
	log      io.Writer // of progress
	config   string    // path of the merchants file

	mu       sync.Mutex
	events   map[string]int // what was done to the exporter, by kind
	began    time.Time
	lasted   time.Duration
	reading  []reading
	revision string // that the exporter was built from
}

// What is done to the exporter. Each happens in the shortest of runs.
const (
	eventFault   = "faults"
	eventRestart = "hub restarts"
	eventKey     = "keys rotated"
	eventReload  = "reloads"
	eventRefusal = "reloads refused"
	eventReturn  = "returns"
	eventIdle    = "times that idle connections were closed"
	eventDrain   = "drains"
	eventMove    = "address changes"
)

// kinds returns all that is done to the exporter.
func kinds() []string {
	return []string{eventFault, eventRestart, eventKey, eventReload, eventRefusal, eventReturn, eventIdle, eventDrain, eventMove}
}

func newSoak(o options, dir string, log io.Writer) (*soak, error) {
	s := &soak{options: o, log: log, config: filepath.Join(dir, "merchants.yml"), events: make(map[string]int)}
	var err error
	if s.backend, err = newBackend(o.merchants, dir); err != nil {
		return nil, err
	}
	if err := s.configure(o.merchants, 0); err != nil {
		return nil, err
	}
	s.process, err = programs.Launch([]string{
		"SSL_CERT_FILE=" + filepath.Join(dir, caFile), "SSL_CERT_DIR=" + dir, nameServerVariable + "=" + s.backend.nameServer.Addr().String(),
	}, o.exporter, "--web.listen-address=127.0.0.1:0", "--config.file="+s.config, "--web.enable-lifecycle",
		"--payple.max-age="+maxAge.String(), "--payple.timeout="+queryTimeout.String())
	if err != nil {
		return nil, err
	}
	if !programs.Happens(func() bool { return s.process.Find(programs.Listening) != nil }) {
		return nil, fmt.Errorf("the exporter does not listen:\n%s", s.process)
	}
	s.scraper = newScraper("http://"+s.process.Find(programs.Listening)[1], s.backend, s.say)
	for i := range o.scrapers {
		s.scrapers = append(s.scrapers, s.chance(uint64(i)+1))
	}
	return s, nil
}

// run lets rounds of trouble and recovery pass, measures after each, and stops
// the exporter.
func (s *soak) run(ctx context.Context) error {
	s.began = time.Now()
	defer func() { s.lasted = time.Since(s.began) }()
	s.say("%s: %d merchants, %d scrapers, seed %d", s.scraper.url, s.options.merchants, s.options.scrapers, s.options.seed)
	err := s.rounds(ctx)
	if code := s.process.Stop(); code != 0 {
		err = errors.Join(err, fmt.Errorf("the exporter exits with %d after SIGTERM", code))
	}
	return errors.Join(err, s.searchLog())
}

func (s *soak) rounds(ctx context.Context) error {
	chance := s.chance(0)
	s.scrapeFor(ctx, warmUp)
	if err := s.measure(ctx); err != nil {
		return err
	}
	rounds := max(1, int(s.options.total/s.options.round))
	for round := range rounds {
		end := s.began.Add(s.options.total * time.Duration(round+1) / time.Duration(rounds))
		if err := s.trouble(ctx, time.Until(end)-usualRecovery, chance); err != nil {
			return err
		}
		if err := s.recover(ctx); err != nil {
			return err
		}
		s.scrapeFor(ctx, time.Until(end))
		if err := s.measure(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// chance returns randomness of its own for each part of a run.
func (s *soak) chance(part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(s.options.seed, part)) //nolint:gosec // trouble, repeatable; no secret
}

// scrapeFor scrapes for a while.
func (s *soak) scrapeFor(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	s.scraper.scrape(ctx, s.scrapers)
}

// trouble breaks the hub, rotates keys and reloads, while all is scraped.
func (s *soak) trouble(ctx context.Context, d time.Duration, chance *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	seeds := []uint64{chance.Uint64(), chance.Uint64(), chance.Uint64(), chance.Uint64()}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { s.scraper.scrape(ctx, s.scrapers); return nil })
	group.Go(func() error { return s.breakSome(ctx, s.chance(seeds[0])) })
	group.Go(func() error { return s.rotateKeys(ctx, s.chance(seeds[1])) })
	group.Go(func() error { return s.reload(ctx, s.chance(seeds[2])) })
	group.Go(func() error { return s.restartHub(ctx, s.chance(seeds[3])) })
	group.Go(func() error { s.wear(ctx); return nil })
	if err := group.Wait(); err != nil {
		return err
	}
	s.backend.mendAll()
	return nil
}

// breakSome breaks another merchant's hub every while; each is mended after up
// to 20 s.
func (s *soak) breakSome(ctx context.Context, chance *rand.Rand) error {
	type repair struct {
		at time.Time
		i  int
	}
	var repairs []repair
	for ctx.Err() == nil {
		pause(ctx, 40*time.Second/time.Duration(s.options.merchants)) // so that about a quarter is broken
		i := s.backend.breakOne(chance)
		s.did(eventFault)
		repairs = append(repairs, repair{time.Now().Add(time.Duration(chance.Int64N(int64(20 * time.Second)))), i})
		for len(repairs) > 0 && time.Now().After(repairs[0].at) {
			s.backend.Mend(s.backend.partners[repairs[0].i].CstID)
			repairs = repairs[1:]
		}
	}
	return nil
}

// rotateKeys changes a merchant's key every few seconds.
func (s *soak) rotateKeys(ctx context.Context, chance *rand.Rand) error {
	for ctx.Err() == nil {
		pause(ctx, 3*time.Second)
		if err := s.backend.rotate(chance.IntN(s.options.merchants), chance.Int()); err != nil {
			return err
		}
		s.did(eventKey)
	}
	return nil
}

// reload changes the configuration every few seconds: other thresholds, some
// merchants fewer or more; by signal or by HTTP; sometimes some go and are back
// at once, and sometimes it is one that must be refused.
func (s *soak) reload(ctx context.Context, chance *rand.Rand) error {
	for n := 1; ctx.Err() == nil; n++ {
		pause(ctx, 5*time.Second)
		var err error
		switch n % 6 {
		case 0:
			err = s.reloadRefused()
		case 3:
			err = s.comeBack(n)
		default:
			stable := s.backend.stable()
			err = s.reloadWith(stable+chance.IntN(s.options.merchants-stable+1), n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reloadWith puts a configuration of the first merchants in force; every other
// one by signal.
func (s *soak) reloadWith(merchants, version int) error {
	if err := s.configure(merchants, version); err != nil {
		return err
	}
	s.did(eventReload)
	if version%2 == 0 {
		s.process.Signal(syscall.SIGHUP)
		return nil
	}
	return s.reloadNow()
}

// reloadNow returns when the configuration is in force.
func (s *soak) reloadNow() error {
	if status, err := s.scraper.reload(); err != nil || status/100 != 2 {
		return fmt.Errorf("reload: HTTP %d, %w", status, err)
	}
	return nil
}

// comeBack takes merchants away and brings them back within their interval, as
// an operator who undoes a mistake does.
func (s *soak) comeBack(version int) error {
	for _, merchants := range []int{s.options.merchants, s.backend.stable(), s.options.merchants} {
		if err := s.configure(merchants, version); err != nil {
			return err
		}
		if err := s.reloadNow(); err != nil {
			return err
		}
		pause(context.Background(), minInterval/4) // so that somebody scrapes each
	}
	s.did(eventReturn)
	return nil
}

// reloadRefused offers a file with a mistake, which must be refused.
func (s *soak) reloadRefused() error {
	if err := replace(s.config, "merchants: nobody"); err != nil {
		return err
	}
	status, err := s.scraper.reload()
	if err != nil || status/100 == 2 {
		return fmt.Errorf("a file with a mistake: HTTP %d, %w", status, err)
	}
	s.did(eventRefusal)
	return nil
}

// restartHub takes the whole hub away every half minute or so.
func (s *soak) restartHub(ctx context.Context, chance *rand.Rand) error {
	for {
		pause(ctx, 20*time.Second+time.Duration(chance.Int64N(int64(20*time.Second))))
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the round is over
		}
		if err := s.backend.restart(ctx, time.Duration(chance.Int64N(int64(3*time.Second)))); err != nil {
			return err
		}
		s.did(eventRestart)
	}
}

// wear makes what the exporter keeps of the way to the hub go bad every few
// seconds: idle connections are closed, open ones are drained, and the hub's
// name stands for another address.
func (s *soak) wear(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		pause(ctx, 3*time.Second)
		s.backend.dropIdle()
		s.did(eventIdle)
		if n%3 == 0 {
			s.backend.drain()
			s.did(eventDrain)
		}
		if n%5 == 0 {
			s.backend.move(1 + n/5%2)
			s.did(eventMove)
		}
	}
}

// configure writes a configuration of the first n merchants.
func (s *soak) configure(n, version int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "min_interval: %s\nmerchants:\n", minInterval)
	for i := range n {
		fmt.Fprintf(&b, "  - {cst_id: %s, hub: \"%s\", cust_key_file: %s, thresholds: {warning: %d}}\n",
			s.backend.partners[i].CstID, s.backend.urls[i%2], s.backend.keyFiles[i], 1000+version)
	}
	return replace(s.config, b.String())
}

// recover has the whole configuration and new keys in force, and waits until
// all merchants are known again. A new key reopens at once what only a person
// can mend; the rest comes back within the longest backoff.
func (s *soak) recover(ctx context.Context) error {
	for i := range s.backend.partners {
		if err := s.backend.rotate(i, int(time.Now().UnixNano())); err != nil {
			return err
		}
	}
	if err := s.configure(s.options.merchants, 0); err != nil {
		return err
	}
	if err := s.reloadNow(); err != nil {
		return err
	}
	began := time.Now()
	for ctx.Err() == nil {
		s.scrapeFor(ctx, 2*time.Second)
		missing := s.scraper.missing(ctx)
		if len(missing) == 0 {
			s.say("all merchants are known again after %s", time.Since(began).Round(time.Second))
			return nil
		}
		if time.Since(began) > recovery {
			return fmt.Errorf("%d merchants are not known again after %s: %v", len(missing), recovery, missing)
		}
	}
	return ctx.Err()
}

// searchLog looks for what must not be in the exporter's log.
func (s *soak) searchLog() error {
	text := s.process.String()
	for _, word := range []string{"soak-key-", "panic", "goroutine ", "DATA RACE"} {
		if at := strings.Index(text, word); at >= 0 {
			return fmt.Errorf("the exporter's log holds %q: …%s…", word, text[max(0, at-200):min(len(text), at+1000)])
		}
	}
	return nil
}

func (s *soak) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events[what]++
}

func (s *soak) say(format string, args ...any) {
	fmt.Fprintf(s.log, "%s "+format+"\n", append([]any{time.Now().UTC().Format(time.TimeOnly)}, args...)...)
}
