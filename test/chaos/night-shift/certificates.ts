// Certificates that no node may accept, for this machine's addresses. For tests only: the keys are worth nothing elsewhere.
import type { Certificate } from '../../support/middlemen.ts';

/** Expired in 2020. A node that trusts it finds nothing else wrong with it. */
export const EXPIRED: Certificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBZjCCAQugAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwHhcNMjAwMTAxMDAwMDAwWhcNMjAwMjAxMDAwMDAwWjAUMRIwEAYDVQQDDAls
b2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQxdwqjGVCIh/hqwqzV
ttLr5hTS8PSR11XTnayttraQRJciWCWY0S/uOeYzuvPGRzqzvrhf1Lz1LNusKs9a
l5wlo04wTDAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwDwYDVR0TAQH/BAUw
AwEB/zAdBgNVHQ4EFgQUF7ciJUUsLhk/56Shhspq5yJnz8YwCgYIKoZIzj0EAwID
SQAwRgIhAO7hstdAfNgq7UkwYgDVrmUi3jIJxKD53IIdfTZuLj4QAiEAjGtMfWii
PhiWU6QqBeZid081ZzVSU6v2c2TJq5GnBu8=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8r4b5fpeof39pjON
1WwNM04HbhNb2JEOIy+arJEJhyahRANCAAQxdwqjGVCIh/hqwqzVttLr5hTS8PSR
11XTnayttraQRJciWCWY0S/uOeYzuvPGRzqzvrhf1Lz1LNusKs9al5wl
-----END PRIVATE KEY-----
`,
};

/** Signed by itself, good until 2126. */
export const SELF_SIGNED: Certificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBaDCCAQ2gAwIBAgIBAjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyNjAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLximamfC5Fp2mhb
G37L7nkwIMchNZQkol0vyfa9aXnnxXHnV5TO27WgUdOTFo6Lffc/3+C9+Wk5SROf
QzzyvMGjTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBSyLZqZ36+u9VWeZq1CYeVtD8rO9DAKBggqhkjOPQQD
AgNJADBGAiEAuIRQxcOiW0WAfWnc8o1gzK0WN82ng///CZuErNfgZrkCIQDd3YUQ
pejaBumpz3QrhLZuKVikVn1ataby73azwlQfRg==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgIOvhwlJii7GLOIqY
8Tghi2YgGNI5I2VSJszwpOYM+YehRANCAAS8YpmpnwuRadpoWxt+y+55MCDHITWU
JKJdL8n2vWl558Vx51eUztu1oFHTkxaOi333P9/gvflpOUkTn0M88rzB
-----END PRIVATE KEY-----
`,
};
