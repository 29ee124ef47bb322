// The table of settings agrees with itself.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { settingFromValue } from '../../src/config/coerce.ts';
import { SETTING_NAMES, settingOf } from '../../src/config/settings.ts';

it('every setting has its own variable, key and place', () => {
  const all = SETTING_NAMES.map(settingOf);
  for (const pick of [
    (s: (typeof all)[number]) => s.env,
    (s: (typeof all)[number]) => s.config,
    (s: (typeof all)[number]) => s.persisted,
  ]) {
    const named = all.map(pick).filter((name) => name !== undefined);
    assert.equal(new Set(named).size, named.length);
  }
  for (const setting of all)
    assert.doesNotThrow(() => settingFromValue(setting, setting.default, { where: '', baseDir: '/' }));
});
