// The Go peer: one process, 201 after commit. Written the way an experienced Go engineer would tune it:
// gin without its logger, pgx with prepared statements and a bounded pool, pooled Redis connections,
// reference data in memory, one statement and one Redis pipeline a request.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
)

func setting(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func number(name, fallback string) int {
	n, err := strconv.Atoi(setting(name, fallback))
	if err != nil || n < 1 {
		log.Fatalf("%s: not a positive number", name)
	}
	return n
}

// Tells whoever started it that connections are taken from now on (systemd's Type=notify).
func notifyReady() {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err == nil {
		_, _ = conn.Write([]byte("READY=1"))
		_ = conn.Close()
	}
}

func main() {
	ctx := context.Background()
	// The best of 8, 12, 16, 20, 24, 28, 32 and 64 on two cores.
	connections := number("PEER_POOL", "24")
	var audit *auditor
	if setting("PEER_AUDIT", "yes") == "yes" {
		var err error
		if audit, err = newAuditor([]byte(setting("PEER_AUDIT_KEY", "fedcba9876543210fedcba9876543210"))); err != nil {
			log.Fatalf("audit: %v", err)
		}
	}
	rows, err := openRows(ctx, setting("PEER_POSTGRES", "dbname=peer"), connections, audit)
	if err != nil {
		log.Fatalf("postgres: %v", err)
	}
	defer rows.Close()
	known, err := loadReference(ctx, rows.pool)
	if err != nil {
		log.Fatalf("reference data: %v", err)
	}
	intake := &intake{
		known: known,
		rows:  rows,
		cache: openCache(setting("PEER_REDIS", "/run/redis/redis.sock"), connections),
		key:   []byte(setting("PEER_IDENTITY_KEY", "0123456789abcdef0123456789abcdef")),
	}

	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.Recovery())
	router.GET("/readyz", func(c *gin.Context) { c.Status(http.StatusOK) })
	router.POST("/api/v1/subjects/:subject/questionnaires", intake.submit)
	server := &http.Server{
		Handler:           router,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       75 * time.Second,
	}
	stop, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer cancel()
	go func() {
		<-stop.Done()
		deadline, done := context.WithTimeout(ctx, 5*time.Second)
		defer done()
		_ = server.Shutdown(deadline)
	}()
	listener, err := net.Listen("tcp", setting("PEER_LISTEN", "127.0.0.1:8081"))
	if err != nil {
		log.Fatalf("http: %v", err)
	}
	notifyReady()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		log.Fatalf("http: %v", err)
	}
}
